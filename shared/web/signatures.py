"""The rule for webhooks: the body is signed with the secret of the org it is about.

The org is named at the end of the address, ``/api/webhooks/alleaves/{orgId}``, which is how a POS
is best told of it, or in the header ``X-Org-Id``. Its secret is ``posConfig.webhookSecret`` of any
of its active locations at that POS. An unknown org, an org without a secret and a signature that
does not fit get one answer.
"""

import hashlib
import hmac
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import Request
from pydantic import SecretStr

from shared.errors import NotSignedIn
from shared.web.caller import Caller, Sender
from shared.web.rules import Incoming, Rule

ORG_HEADER = "X-Org-Id"

_UNKNOWN_ORG = SecretStr("the secret of nobody: an unknown org takes as long as a known one")
_ORG_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_LIGHTSPEED = re.compile(r"signature=([^,\s]+)\s*,\s*algorithm=HMAC-SHA256", re.IGNORECASE)

SecretsOf = Callable[[str, str], Sequence[SecretStr]]
"""From an org's id and a provider to the secrets that the org's webhooks may be signed with."""


@dataclass(frozen=True, slots=True)
class SignedWebhook(Rule):
    """A POS that signs with the org's secret: HMAC-SHA256 of the body as sent, in hex."""

    secrets_of: SecretsOf

    provider: ClassVar[str]
    name: ClassVar[str] = "signed by the org's POS"

    @abstractmethod
    def signature_of(self, request: Request) -> str:
        """The hex text that a request is signed with, empty where there is none."""

    def identify(self, incoming: Incoming) -> Caller:
        """The POS of the org whose secret fits."""
        request = incoming.request
        org_id = incoming.path.get("orgId") or request.headers.get(ORG_HEADER, "")
        secrets = self.secrets_of(org_id, self.provider) if _ORG_ID.fullmatch(org_id) else ()
        sent = self.signature_of(request).lower().encode()
        fits = [
            hmac.compare_digest(sent, signature(incoming.raw, secret).encode())
            for secret in secrets or (_UNKNOWN_ORG,)
        ]
        if not secrets or not any(fits):
            raise NotSignedIn("the signature does not fit")
        return Sender(org_id)


class SignedByAlleaves(SignedWebhook):
    """``X-Alleaves-Signature``: hex, with or without ``sha256=``."""

    provider = "alleaves"
    schemes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "alleavesSignature": {"type": "apiKey", "in": "header", "name": "X-Alleaves-Signature"}
    }

    def signature_of(self, request: Request) -> str:
        """See SignedWebhook."""
        return request.headers.get("X-Alleaves-Signature", "").strip().removeprefix("sha256=")


class SignedByLightspeed(SignedWebhook):
    """``X-Signature: signature=…,algorithm=HMAC-SHA256``."""

    provider = "lightspeed"
    schemes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "lightspeedSignature": {"type": "apiKey", "in": "header", "name": "X-Signature"}
    }

    def signature_of(self, request: Request) -> str:
        """See SignedWebhook."""
        found = _LIGHTSPEED.fullmatch(request.headers.get("X-Signature", "").strip())
        return found[1] if found else ""


def signature(body: bytes, secret: SecretStr) -> str:
    """What a body is signed with, in lower-case hex."""
    return hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
