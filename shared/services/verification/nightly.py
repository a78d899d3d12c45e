"""Orgs are verified at night, each once in NIGHTS: so that one night that fails leaves another one
within a fortnight.

What only awaits the next sync is counted and is no difference here: the night's last sync was up to
half an hour ago. People are alerted once to an org that differs; it is then verified each night,
until nothing differs any more.
"""

import hashlib
from dataclasses import dataclass
from datetime import date

import structlog

from shared.bus.messages import VerifyOrg
from shared.clock import Clock, OutOfTime
from shared.domain.wording import counted
from shared.errors import OrgError, ProviderError
from shared.services.alerts import Alerts
from shared.services.sync.pos_locations import read_org
from shared.services.sync.run_end import is_resting
from shared.services.verification.result import KEPT, Verification
from shared.services.verification.verify import Verify
from shared.store import incidents, locations, verifications
from shared.store.database import Database
from shared.store.verifications import StoredVerification

NIGHTS = 7
SAMPLED_FROM = 300_000
"""Orders from which on an org is sampled, as there is no time to compare all of them."""
SAMPLE = 2_000
INCIDENT = "verification_differs"
OPEN_READ = 500
"""Open incidents that are read to know which orgs to verify again."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Turns:
    """Says which orgs are verified tonight: a seventh of them, always the same, and those that
    differed when they were verified last."""

    database: Database
    clock: Clock

    def __call__(self, org_ids: list[str]) -> list[str]:
        """Those of the orgs whose turn it is."""
        opened = incidents.open_ones(self.database, OPEN_READ)
        differing = {each.org_id for each in opened if each.key == INCIDENT}
        night = self.clock().date()
        return [org for org in org_ids if org in differing or is_turn(org, night)]


def is_turn(org_id: str, night: date) -> bool:
    """Whether a night is the org's."""
    digest = hashlib.blake2b(org_id.encode(), digest_size=8, person=b"verify").digest()
    return (int.from_bytes(digest) + night.toordinal()) % NIGHTS == 0


@dataclass(frozen=True, slots=True)
class NightlyVerification:
    """Verifies an org that a message names, and keeps and tells what was found."""

    database: Database
    verify: Verify
    alerts: Alerts
    clock: Clock

    def __call__(self, message: VerifyOrg) -> None:
        """Verify the org, unless that night's result is stored. An org whose POS does not answer,
        or whose settings are wrong, is left to its next night: its syncs say so. Raises
        InvalidMessage for an unknown org."""
        org_id = message.org_id
        org = read_org(self.database, org_id)
        if not org.is_active:
            locations.require_known(self.database, org_id)
            log.info("org_is_not_active")
            return
        if verifications.exists(self.database, org_id, message.night):
            log.info("verified_already")
            return
        if is_resting(self.database, org_id, "cron", self.clock()):
            log.info("org_paused")
            return
        try:
            found = self._verified(org_id)
        except (OrgError, ProviderError) as error:
            log.warning("org_not_verified", code=error.code, owner=error.owner)
        except OutOfTime:
            log.warning("org_not_verified", code="out_of_time", owner="us")
        else:
            self._tell(found)
            self._keep(message.night, found)

    def _verified(self, org_id: str) -> Verification:
        many = verifications.orders_known(self.database, org_id) >= SAMPLED_FROM
        return self.verify(org_id, sample=SAMPLE if many else None)

    def _tell(self, found: Verification) -> None:
        """Alert people, or take it back."""
        wrong = found.not_awaiting
        if not wrong:
            self.alerts.resolve(found.org_id, INCIDENT)
            return
        kinds = sorted({each.kind.replace("_", " ") for each in wrong})
        self.alerts.raise_(
            found.org_id,
            INCIDENT,
            "What is stored differs from the POS",
            f"Not as the POS has it: {counted(len(wrong), 'documents')} ({', '.join(kinds)}). See"
            f" tenants/{found.org_id}/verifications, and mend them with sync-sam verify"
            f" {found.org_id} --repair.",
        )

    def _keep(self, night: date, found: Verification) -> None:
        wrong = found.not_awaiting
        shown = [each.without_people() for each in wrong[:KEPT]]
        public = found.model_copy(
            update={"differences": tuple(shown), "customers": found.customers.without_name()}
        )
        fields = public.model_dump(by_alias=True) | {
            "ok": not wrong,
            "differencesCount": len(wrong) + found.more,
            "awaitingSync": len(found.differences) - len(wrong),
        }
        summary = StoredVerification(
            verified_at=found.verified_at,
            ok=not wrong,
            customers=found.customers.stored,
            orders=found.orders.stored,
            differences=len(wrong) + found.more,
        )
        self.database.commit(verifications.put(found.org_id, night, fields, summary))
        log.info("verification_stored", ok=not wrong, differences=len(wrong))
