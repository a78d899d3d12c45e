"""The rule for webhooks: the body is signed with the secret of the org it is about.

The org may be named at the end of the path, ``/api/webhooks/alleaves/{orgId}``, or else in the
header ``X-Org-Id``; where it is not, the secret says which it is (services/webhook_senders.py). An
unknown org, an org without a secret and a wrong signature get the same response.
"""

import hmac
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import Request
from pydantic import SecretStr

from shared.errors import Unauthenticated
from shared.services.webhook_senders import Fits
from shared.web.auth import Caller, Rule, WebhookSender
from shared.web.request import RoutedRequest

ORG_HEADER = "X-Org-Id"

_ORG_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_LIGHTSPEED = re.compile(r"signature=([^,\s]+)\s*,\s*algorithm=HMAC-SHA256", re.IGNORECASE)

FindSender = Callable[[str | None, bytes, Fits], str | None]
"""From the org that is named, if one is, the body, and which secrets fit, to the org whose webhook
it is; None where no secret fits."""


@dataclass(frozen=True, slots=True)
class SignedWebhook(Rule):
    """A POS that signs with the org's secret: HMAC-SHA256 of the body as sent, in hex."""

    find_sender: FindSender

    provider: ClassVar[str]
    name: ClassVar[str] = "signed by the org's POS"

    @abstractmethod
    def signature_of(self, request: Request) -> str:
        """The signature in hex, empty if there is none."""

    def identify(self, routed: RoutedRequest) -> Caller:
        """The POS of the org whose secret made the signature."""
        request, raw = routed.request, routed.raw
        sent = self.signature_of(request).lower()
        named = routed.path.get("orgId") or request.headers.get(ORG_HEADER) or None
        found = None
        # What cannot be a signature is not worth a look at anybody's secrets.
        if _SIGNATURE.fullmatch(sent) and (named is None or _ORG_ID.fullmatch(named)):
            found = self.find_sender(
                named, raw, lambda secret: hmac.compare_digest(sent, signature(raw, secret))
            )
        if found is None:
            raise Unauthenticated("the signature does not fit")
        return WebhookSender(found)


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
    return hmac.digest(secret.get_secret_value().encode(), body, "sha256").hex()
