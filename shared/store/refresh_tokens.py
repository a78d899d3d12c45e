"""Refresh tokens that a provider has replaced, sealed, below the org whose location they are of.

    tenants/{orgId}/sync_state/refresh_token_{locationId}    given, sealed

``given`` is a hash of the token in the location's settings from which this one came: once a person
replaces that, this one is void. It is not kept in the location, which was last changed by a person:
the watchdog asks when.
"""

from dataclasses import dataclass
from hashlib import sha256

from pydantic import SecretStr

from shared.domain.org_secrets import SecretPlace
from shared.outbound.sealing import Sealer
from shared.store import paths
from shared.store.database import Database, Put


@dataclass(frozen=True, slots=True)
class RefreshTokens:
    """The SealedTokens of a database. Methods raise LookupError and SecretsUnavailable."""

    database: Database
    sealer: Sealer

    def newest(self, given: SecretStr, place: SecretPlace) -> str:
        """The token that is valid now: ``given`` in the settings, or what it was replaced by."""
        fields = self.database.get(paths.refresh_token(place.org_id, place.location_id)).fields
        kept = fields.get("sealed")
        if isinstance(kept, str) and fields.get("given") == _digest(given):
            return self.sealer.open(SecretStr(kept), place)
        return self.sealer.open(given, place)

    def keep(self, given: SecretStr, place: SecretPlace, text: str) -> None:
        """Keep the token that came of ``given``."""
        sealed = self.sealer.seal(SecretStr(text), place).get_secret_value()
        path = paths.refresh_token(place.org_id, place.location_id)
        self.database.commit([Put(path, {"given": _digest(given), "sealed": sealed})])


def _digest(sealed: SecretStr) -> str:
    return sha256(sealed.get_secret_value().encode()).hexdigest()
