"""The secrets that an org's webhooks may be signed with, remembered for a while."""

import threading
from collections.abc import Sequence

import structlog
from cachetools import TTLCache
from pydantic import SecretStr

from shared.errors import ConfigurationInvalid
from shared.pos.secrets import SecretResolver
from shared.store import locations
from shared.store.database import Database

REMEMBERED_SECONDS = 60.0
MOST_ORGS = 10_000

log = structlog.get_logger(__name__)


class WebhookSecrets:
    """``posConfig.webhookSecret`` of an org's active locations. Orgs without one are remembered
    too: what a forger makes up costs no more than what exists."""

    def __init__(self, database: Database, resolver: SecretResolver) -> None:
        self._database = database
        self._resolver = resolver
        self._lock = threading.Lock()
        self._known: TTLCache[tuple[str, str], tuple[SecretStr, ...]] = TTLCache(
            MOST_ORGS, REMEMBERED_SECONDS
        )

    def __call__(self, org_id: str, provider: str) -> Sequence[SecretStr]:
        """The secrets, none for an unknown org. One that cannot be read is left out."""
        with self._lock:
            known = self._known.get((org_id, provider))
        if known is not None:
            return known
        found = tuple(self._read(org_id, provider))
        with self._lock:
            self._known[org_id, provider] = found
        return found

    def _read(self, org_id: str, provider: str) -> Sequence[SecretStr]:
        secrets = []
        for location_id, secret in locations.webhook_secrets(self._database, org_id, provider):
            where = f"posConfig.webhookSecret of location {location_id}"
            try:
                secrets.append(self._resolver.text_of(secret, where))
            except ConfigurationInvalid as error:
                log.warning("webhook_secret_unreadable", org_id=org_id, reason=str(error))
        return secrets
