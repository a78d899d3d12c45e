"""Alerts: people are notified of an incident once, and again only after it was resolved."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from pydantic import SecretStr

from shared.bus.notifier import Notifier
from shared.clock import Clock
from shared.domain.incidents import Incident
from shared.store import incidents, tenants
from shared.store.database import Conflict, Database

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Alerts:
    """Raises and resolves incidents of orgs, and of no org (None): those go to the operator only.

    An incident that was sent costs one read each time it is raised again. Resolving one sends
    nothing.
    """

    database: Database
    notifier: Notifier
    operator_urls: Sequence[SecretStr]
    clock: Clock

    def raise_(self, org_id: str | None, key: str, title: str, body: str) -> None:
        """Notify the org's and the operator's addresses, unless they have been already.

        ``key`` is the kind of incident: an org has at most one open incident of each kind. Of two
        callers at once only one sends. An address that fails is tried again when the incident is
        next raised. ``title`` and ``body`` must not contain secrets or personal data.
        """
        now = self.clock()
        found = incidents.read(self.database, org_id, key)
        incident = found.incident
        if incident is None or not incident.is_open:
            incident = Incident(key=key, org_id=org_id, title=title, body=body, opened_at=now)
        if not incident.due(now):
            return
        claimed = incident.claimed(now)
        try:
            version = incidents.write(self.database, claimed, found.version)
        except Conflict:
            log.info("alert_raised_by_another", key=key)
            return
        log.warning("alert_raised", key=key, incident_org=org_id, attempt=claimed.attempts)
        self._send(claimed, version)

    def resolve(self, org_id: str | None, key: str) -> None:
        """Close the incident, if there is one; the next of its kind is sent again.

        Raises Conflict where others keep changing it.
        """
        for last in (False, False, True):
            found = incidents.read(self.database, org_id, key)
            if found.incident is None or not found.incident.is_open:
                return
            over = found.incident.resolved(self.clock())
            try:
                incidents.write(self.database, over, found.version)
            except Conflict:
                if last:
                    raise
            else:
                log.info("alert_resolved", key=key, incident_org=org_id)
                return

    def _send(self, incident: Incident, version: datetime) -> None:
        urls, body = list(self.operator_urls), incident.body
        if incident.org_id is not None:
            urls = [*tenants.alert_urls(self.database, incident.org_id), *urls]
            body += f"\n\nOrg: {incident.org_id}"
        by_digest = {_digest(url): url for url in urls}
        left = {digest: url for digest, url in by_digest.items() if digest not in incident.told}
        accepted = self.notifier.send(list(left.values()), incident.title, body) if left else []
        reached = {digest for digest, took in zip(left, accepted, strict=True) if took}
        after = incident.sent(reached, left=len(left) - len(reached), now=self.clock())
        if after.sent_at is None:
            log.warning("alert_undelivered", key=incident.key, addresses=len(by_digest))
        try:
            incidents.write(self.database, after, version)
        except Conflict:
            # It was resolved meanwhile: that is newer.
            log.info("incident_changed_meanwhile", key=incident.key)


def _digest(url: SecretStr) -> str:
    return hashlib.blake2b(url.get_secret_value().encode(), digest_size=8).hexdigest()
