"""The rule for webhooks: the body is signed with the secret of the org it is about.

The org is named at the end of the path, ``/api/webhooks/alleaves/{orgId}``, or else in the header
``X-Org-Id``. Its secrets are the ``posConfig.webhookSecret`` of its active locations at that POS.
An unknown org, an org without a secret and a wrong signature get the same response.
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

from shared.errors import Unauthenticated
from shared.web.auth import Caller, Rule, WebhookSender
from shared.web.request import RoutedRequest

ORG_HEADER = "X-Org-Id"

# Compared for an unknown org, so that the duration does not reveal which orgs exist.
_UNKNOWN_ORG = SecretStr("no org has this secret")
_ORG_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_LIGHTSPEED = re.compile(r"signature=([^,\s]+)\s*,\s*algorithm=HMAC-SHA256", re.IGNORECASE)

SecretsOf = Callable[[str, str], Sequence[SecretStr]]
"""From an org's id and a provider to the secrets that may sign the org's webhooks."""


@dataclass(frozen=True, slots=True)
class SignedWebhook(Rule):
    """A POS that signs with the org's secret: HMAC-SHA256 of the body as sent, in hex."""

    secrets_of: SecretsOf

    provider: ClassVar[str]
    name: ClassVar[str] = "signed by the org's POS"

    @abstractmethod
    def signature_of(self, request: Request) -> str:
        """The signature in hex, empty if there is none."""

    def identify(self, routed: RoutedRequest) -> Caller:
        """The POS of the org whose secret made the signature."""
        request = routed.request
        org_id = routed.path.get("orgId") or request.headers.get(ORG_HEADER, "")
        secrets = self.secrets_of(org_id, self.provider) if _ORG_ID.fullmatch(org_id) else ()
        sent = self.signature_of(request).lower().encode()
        matches = [
            hmac.compare_digest(sent, signature(routed.raw, secret).encode())
            for secret in secrets or (_UNKNOWN_ORG,)
        ]
        if not secrets or not any(matches):
            raise Unauthenticated("the signature does not fit")
        return WebhookSender(org_id)


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
    """The signature of a body, in lower-case hex."""
    return hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
