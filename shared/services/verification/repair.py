"""What a verification has found is mended by the engine itself, in a run of its own.

The manifests forget what they say of the records that differ, so that these are written again as a
sync writes them. Strays are taken up as if a run had stored them: they are looked up, and marked as
removed or taken off the menu by the same rules, which hold a drastic removal for a person. Spending
is asked for where figures are wrong. Too many records for look-ups are synced in full.
"""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from shared.bus.messages import StreamName
from shared.clock import Deadline, OutOfTime
from shared.domain.changes import REMOVED_AT
from shared.domain.orders import external_id_of
from shared.domain.removal import AllowedRemovals
from shared.domain.runs import RunState
from shared.errors import OrgError, ProviderBusy, ProviderError
from shared.services.manual_sync import RunUnderWay
from shared.services.runs import lifecycle
from shared.services.sync.account_check import AccountCheck
from shared.services.sync.commands import SyncOrg
from shared.services.sync.customers import StoredCustomers, settle_customers
from shared.services.sync.gone import LOOK_UPS, MissingRecords, RemovalRules
from shared.services.sync.orders import OrderStream, StoredOrders
from shared.services.sync.org import OrgSync, sync_streams
from shared.services.sync.pos_locations import ConfiguredOrg, OpenOrg, open_org, read_org
from shared.services.sync.records import StreamRecords
from shared.services.sync.run_end import set_last_state
from shared.services.sync.session import Session, settle_others
from shared.services.sync.targeted import NamedRecords, store_named
from shared.services.verification.figures import outstanding
from shared.services.verification.result import (
    Difference,
    Progress,
    RepairReport,
    Verification,
    quiet,
)
from shared.services.verification.verify import Verify
from shared.store import runs
from shared.store.database import Remove, Write
from shared.store.lease import HeldByOtherRun
from shared.store.manifest import STORED
from shared.store.orders import SUPERSEDED_BY
from shared.store.runs import Run

NAMED_MOST = 400
"""Customers and orders that are looked up one by one. Beyond, their streams are synced in full."""
PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Repair:
    """Mends what ``verify`` has found. ``sync`` says by what a run is made; ``patience_seconds`` is
    how long the spending that was asked for is waited for."""

    verify: Verify
    sync: OrgSync
    patience_seconds: float = 60.0
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, found: Verification, *, progress: Progress = quiet) -> Verification:
        """Mend, wait until the spending that follows is computed, and verify again. Raises as
        ``mend`` and Verify."""
        report = self.mend(found)
        deadline = Deadline(self.patience_seconds)
        while not deadline.passed and self._is_under_way(found.org_id, report.run_id):
            self.sleep(POLL_SECONDS)
        again = self.verify(found.org_id, sample=found.sample, progress=progress)
        return again.model_copy(update={"repair": report})

    def mend(self, found: Verification) -> RepairReport:
        """Mend the differences. Raises RunUnderWay while another run has the org, and
        ConfigurationInvalid."""
        org_id, sync = found.org_id, self.sync
        database, run_id = sync.database.metered(), f"repair-{uuid.uuid4().hex}"
        opened = lifecycle.open_run(
            lifecycle.SYNC,
            database,
            org_id,
            run_id,
            Run(
                state=RunState.RUNNING,
                trigger="manual",
                started_at=sync.clock(),
                requested_by="verify",
            ),
            clock=sync.clock,
            lease_ttl=sync.lease_ttl,
            patience_seconds=PATIENCE_SECONDS,
        )
        if isinstance(opened, HeldByOtherRun):
            raise RunUnderWay(opened.run_id)
        with opened:
            org = read_org(database, org_id)
            for number, provider in enumerate(org.providers, 1):
                settle_others(opened, provider)
                with Session(
                    opened,
                    provider=provider,
                    spending=sync.spending,
                    clock=sync.clock,
                    deadline=Deadline(sync.seconds),
                ) as session:
                    self._work(session, org, _Wrong.of(session, found.differences))
                    if number == len(org.providers):
                        session.end(partial(_last, session))
                    else:
                        session.close()
        run = opened.run
        log.info("org_repaired", org_id=org_id, differences=len(found.differences))
        if streams := _in_full(found.differences):
            run_id = f"repair-{uuid.uuid4().hex}"
            sync(SyncOrg(org_id, run_id, "manual", full=True, streams=streams))
        return RepairReport(
            run_id=run_id,
            asked=len(found.differences),
            held=sum(hold.count for work in run.work.values() for hold in work.holds.values()),
            problems=tuple(error.message for error in run.errors),
        )

    def _work(self, session: Session, configured: ConfiguredOrg, wrong: "_Wrong") -> None:
        """Mend what is wrong at one provider. What cannot be is noted on the run."""
        session.store(map(Remove, wrong.spending_of_nobody))
        session.add_pending_recompute(wrong.customer_ids)
        if not wrong.at_pos:
            return
        try:
            org = open_org(session, configured, self.sync.open_pos)
            AccountCheck(session, org.accounts).refuse_again()
            with session.lock:
                wrong.forget(session)
            in_full = _in_full(wrong.differences)
            named = {
                stream: [] if stream in in_full else wrong.ids(stream, stray=False)
                for stream in ("customers", "orders")
            }
            store_named(session, org, NamedRecords(named["customers"], named["orders"], ()))
            _settle_strays(session, org, wrong)
            if wrong.catalogue:
                session.progress.forget_versions("products")
                wanted = ["products", "discounts", "metadata"]
                sync_streams(session, org, wanted, allowed=AllowedRemovals())
        except (OrgError, ProviderError) as error:
            session.fail(error)
        except OutOfTime:
            session.fail(ProviderBusy("the time was too short to mend everything"))

    def _is_under_way(self, org_id: str, run_id: str) -> bool:
        run = runs.read(self.sync.database, org_id, run_id)
        ended = run is None or run.state.ended
        return not ended or bool(outstanding(self.sync.database, org_id, self.sync.clock()))


@dataclass(frozen=True, slots=True)
class _Wrong:
    """The differences at one provider, and what follows from those of all."""

    differences: Sequence[Difference]
    customer_ids: frozenset[str]
    spending_of_nobody: Sequence[str]

    @classmethod
    def of(cls, session: Session, found: Iterable[Difference]) -> "_Wrong":
        own = [each for each in found if each.provider == session.provider]
        figures = [each for each in found if each.provider is None]
        nobody = [each.path for each in figures if each.kind == "spending_stray"]
        whose = {each.customer_id for each in figures if each.customer_id}
        return cls(own, frozenset(whose), nobody)

    @property
    def at_pos(self) -> bool:
        """Whether the POS is to be asked."""
        return bool(self.differences)

    @property
    def catalogue(self) -> list[Difference]:
        """Those of what the org sells."""
        streams = ("products", "items", "discounts", "metadata")
        return [each for each in self.differences if _collection(each) in streams]

    def ids(self, stream: str, *, stray: bool) -> list[str]:
        """The POS's ids of the records of a stream that are strays, or that are not."""
        found = (each for each in self.differences if _collection(each) == stream)
        ids = [_record_of(each) for each in found if each.kind.endswith("_stray") is stray]
        return [external_id_of(i) for i in ids] if stream == "orders" and not stray else ids

    def forget(self, session: Session) -> None:
        """Have the records that differ written again, and strays taken for records. To be used
        under the session's lock."""
        strays = [each.path for each in self.differences if each.kind.endswith("_stray")]
        stored = session.database.get_all(strays, [REMOVED_AT])
        for each in self.differences:
            name = _collection(each)
            manifest = session.manifests["products" if name == "items" else name]
            if each.path not in stored:
                manifest.forget_fingerprint(_record_of(each))
            elif not stored[each.path].exists or stored[each.path].fields.get(REMOVED_AT):
                continue  # mended meanwhile
            elif each.kind == "menu_item_stray" and manifest.mark(each.id) != STORED:
                session.store([Remove(each.path)])
            else:
                manifest.adopt(each.id)


def _settle_strays(session: Session, org: OpenOrg, wrong: _Wrong) -> None:
    """Look strays up, and mark those as removed that the POS does not have."""
    limit, deleted = org.settings.max_delete_percent, org.settings.deleted_customers
    rules = RemovalRules(limit, AllowedRemovals(), deleted)
    if strays := wrong.ids("customers", stray=True):
        records = StreamRecords(session, "customers")
        missing = MissingRecords(session, records, rules)
        _note(missing, session, "customers", strays)
        if deleted == "keep":  # whoever stays keeps figures that are right
            session.add_pending_recompute(strays)
        for _ in range(0, len(strays), LOOK_UPS):
            settle_customers(session, records, missing, org.clients)
    if strays := wrong.ids("orders", stray=True):
        stream = OrderStream(session, StoredCustomers(session, None), org.notify)
        stored = StoredOrders(session, stream, rules)
        _note(stored.missing, session, "orders", strays)
        for _ in range(0, len(strays), LOOK_UPS):
            stored.settle(org.clients)


def _note(missing: MissingRecords, session: Session, stream: str, strays: Sequence[str]) -> None:
    with session.lock:
        count = session.manifests[stream].count(STORED)
        missing.note(strays, listed=count - len(strays), stored=count, unreadable=0)


def _in_full(differences: Iterable[Difference]) -> tuple[StreamName, ...]:
    """The streams of which too many records differ to look each of them up."""
    counts = Counter(_collection(each) for each in differences if each.provider)
    streams: tuple[StreamName, ...] = ("customers", "orders")
    return tuple(stream for stream in streams if counts[stream] > NAMED_MOST)


def _last(session: Session) -> list[Write]:
    set_last_state(session.run, now=session.now())
    return []


def _collection(difference: Difference) -> str:
    return difference.path.split("/")[-2]


def _record_of(difference: Difference) -> str:
    """Id of the document by whose record the difference is mended: an imported order's sale."""
    return str(difference.expected.get(SUPERSEDED_BY, difference.id))
