"""How secrets in orgs' settings are opened, and kept where providers replace them."""

from functools import cached_property
from typing import Literal

from pydantic import Field

from shared.bootstrap.outbound import OutboundSettings
from shared.outbound.credentials import SecretResolver, read_secret
from shared.outbound.rotating import RotatingSecrets, SealedTokens, add_secret
from shared.outbound.sealing import Sealer
from shared.store.database import Database
from shared.store.refresh_tokens import RefreshTokens


class SecretSettings(OutboundSettings):
    """How secrets in orgs' settings are read."""

    plain_secrets: Literal["refused", "allowed"] = Field(
        default="refused",
        description="Whether a secret in an org's settings may be text: in the local cloud only.",
    )
    secrets_key: str = Field(
        default="",
        description="Full name of the key in Cloud KMS that secrets in orgs' settings are sealed "
        "with.",
    )

    @cached_property
    def sealer(self) -> Sealer:
        """Seals and opens secrets in orgs' settings."""
        return Sealer(self.secrets_key)

    def resolver(self, *, plain_text: bool | None = None) -> SecretResolver:
        """Of the secrets in orgs' settings; ``plain_text`` as set unless given."""
        allowed = self.plain_secrets == "allowed"
        return SecretResolver(
            read_secret,
            self.google_cloud_project,
            plain_text=allowed if plain_text is None else plain_text,
            sealer=self.sealer,
        )

    def rotating(self, store: Database) -> RotatingSecrets:
        """The secrets that providers replace."""
        tokens = RefreshTokens(store, self.sealer)
        kept = SealedTokens(tokens.newest, tokens.keep)
        return RotatingSecrets(read_secret, add_secret, self.google_cloud_project, kept)
