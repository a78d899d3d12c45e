"""The secret in the address of an org's webhooks that are not signed: made, read and exchanged.

It is ``posConfig.webhookSecret`` of the org's first active Lightspeed location that has one, else
of its first. An exchange leaves the old secret behind the new one, after a blank, and writes down
when that was: the old one counts for OLD_COUNTS (webhook_senders.py).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe

from pydantic import SecretStr

from shared.clock import Clock
from shared.domain.org_secrets import SecretPlace
from shared.errors import ConfigurationInvalid
from shared.outbound.credentials import PREFIX, SecretResolver
from shared.services.admin.audit import Actor, record_action
from shared.store import webhook_signers
from shared.store.database import Conflict, Database

PROVIDER = "lightspeed"
TRIES = 5
_FITS_ADDRESS = re.compile(r"[A-Za-z0-9_-]{32,200}")


def new_secret() -> SecretStr:
    """32 random characters."""
    return SecretStr(token_urlsafe(24))


@dataclass(frozen=True, slots=True)
class AddressSecrets:
    """The secrets of orgs' addresses. That ``actor`` has exchanged one stands in the audit log.
    Methods raise ConfigurationInvalid, in words."""

    database: Database
    resolver: SecretResolver
    clock: Clock
    actor: Actor
    make: Callable[[], SecretStr] = new_secret

    def current(self, org_id: str) -> SecretStr:
        """The newest secret; one is made where there is none. Raises Conflict where somebody keeps
        changing the location."""
        signer = self._signer(org_id)
        if signer.secret is None:
            return self.exchange(org_id)
        where = _place(signer)
        newest = self.resolver.text_of(signer.secret, where).get_secret_value().split(" ")[0]
        if not _FITS_ADDRESS.fullmatch(newest):
            raise ConfigurationInvalid(f"{where} {_NOT_FOR_ADDRESS}")
        return SecretStr(newest)

    def exchange(self, org_id: str) -> SecretStr:
        """A new secret, beside which the one before still counts for a while. Raises Conflict where
        somebody keeps changing the location."""
        made = self.make()
        for last in (*[False] * (TRIES - 1), True):
            signer = self._signer(org_id)
            place = _place(signer)
            stored = signer.secret.get_secret_value() if signer.secret else ""
            if stored.startswith(PREFIX):
                raise ConfigurationInvalid(
                    f"{place} is {stored}, which is not written here: add a version to that secret"
                    " with a new secret of 32 characters, a blank and the old one"
                )
            opened = self.resolver.text_of(signer.secret, place) if signer.secret else SecretStr("")
            before = opened.get_secret_value().split(" ")[0]
            if stored and not _FITS_ADDRESS.fullmatch(before):
                raise ConfigurationInvalid(f"{place} {_NOT_FOR_ADDRESS}")
            both = SecretStr(f"{made.get_secret_value()} {before}".strip())
            try:
                now = self.clock()
                write = webhook_signers.exchanged(
                    self.database, signer.id, signer.secret, both, now
                )
                record_action(
                    self.database,
                    self.actor,
                    "webhook_secret_exchanged",
                    org_id=org_id,
                    target=signer.id,
                    now=now,
                    writes=[write],
                )
            except Conflict:
                if last:
                    raise
            else:
                break
        return made

    def _signer(self, org_id: str) -> webhook_signers.WebhookSigner:
        found = webhook_signers.of_org(self.database, PROVIDER, org_id)
        if not found:
            raise ConfigurationInvalid(f"org {org_id} has no active Lightspeed location")
        return min(found, key=lambda each: (each.secret is None, each.id))


def _place(signer: webhook_signers.WebhookSigner) -> SecretPlace:
    return SecretPlace(signer.org_id, "posConfig.webhookSecret", signer.id)


_NOT_FOR_ADDRESS = (
    "is no secret for an address, which has 32 characters or more of A-Z, a-z, 0-9, - and _. If an"
    " app signs with it, move it to posConfig.clientSecret; else remove it. Then try again"
)
