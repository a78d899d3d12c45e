"""Alerts: people are notified of an incident once, and again only after it was resolved.
Notifications: an org is told what it has asked to hear of, once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog
from pydantic import SecretStr

from shared.bus.notifier import Notifier
from shared.clock import Clock
from shared.domain.incidents import Announcement, Incident
from shared.domain.notifications import Notification
from shared.store import incidents, notifications, tenants
from shared.store.database import Conflict, Database

A = TypeVar("A", bound=Announcement)

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

    def notify(self, org_id: str, key: str, title: str, body: str) -> bool:
        """Tell the org's addresses, unless they have been told already; whether none is left to be
        told, where there is none to begin with too.

        ``key`` is what the news is about: of each it is told once. The rest as ``raise_``.
        """
        now = self.clock()
        found = notifications.read(self.database, org_id, key)
        notification = found.notification or Notification.of(key, org_id, title, body, now)
        if not notification.due(now):
            return notification.sent_at is not None
        urls = tenants.alert_urls(self.database, org_id)
        if not urls:
            log.warning("notification_without_address", key=key)
            return True
        claimed = notification.claimed(now)
        try:
            version = notifications.write(self.database, org_id, claimed, found.version)
            after = self._told(claimed, urls, body)
            notifications.write(self.database, org_id, after, version)
        except Conflict:
            log.info("notified_by_another", key=key)
            return False
        log.info("org_notified", key=key, addresses=len(urls), left=after.sent_at is None)
        return after.sent_at is not None

    def _send(self, incident: Incident, version: datetime) -> None:
        urls, body = list(self.operator_urls), incident.body
        if incident.org_id is not None:
            urls = [*tenants.alert_urls(self.database, incident.org_id), *urls]
            body += f"\n\nOrg: {incident.org_id}"
        after = self._told(incident, urls, body)
        if after.sent_at is None:
            log.warning("alert_undelivered", key=incident.key, addresses=len(set(urls)))
        try:
            incidents.write(self.database, after, version)
        except Conflict:
            # It was resolved meanwhile: that is newer.
            log.info("incident_changed_meanwhile", key=incident.key)

    def _told(self, announcement: A, urls: Sequence[SecretStr], body: str) -> A:
        """It, sent to those of the addresses that do not have it yet."""
        by_digest = {address_id(url): url for url in urls}
        left = {d: url for d, url in by_digest.items() if d not in announcement.told}
        accepted = self.notifier.send(list(left.values()), announcement.title, body) if left else []
        reached = {digest for digest, took in zip(left, accepted, strict=True) if took}
        return announcement.sent(reached, left=len(left) - len(reached), now=self.clock())


def address_id(url: SecretStr) -> str:
    """What an address is called where it must not be shown: it is a secret."""
    return hashlib.blake2b(url.get_secret_value().encode(), digest_size=8).hexdigest()
