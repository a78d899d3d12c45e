"""The rules for webhooks: the body is signed with the secret of the org it is about, or where the
POS does not sign, the address holds a secret of the org's.

Where webhooks are signed the org may be named in the path, ``/api/webhooks/alleaves/{orgId}``, or
else in the header ``X-Org-Id``; where it is not, the secret says which it is
(services/webhook_senders.py). An unknown org, an org without a secret, a wrong signature and a
wrong secret get the same response.
"""

import hmac
import re
from abc import abstractmethod
from base64 import urlsafe_b64decode
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
_HEX = re.compile(r"[0-9A-Fa-f]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9_-]{43}=?")
_ADDRESS_SECRET = re.compile(r"[A-Za-z0-9_-]{32,200}")

FindSender = Callable[[str | None, bytes, Fits], str | None]
"""From the org that is named, if one is, the body, and which secrets fit, to the org whose webhook
it is; None where no secret fits."""
KnowsSecret = Callable[[str, Fits], bool]
"""Whether a secret of an org's fits."""


@dataclass(frozen=True, slots=True)
class SignedWebhook(Rule):
    """A POS that signs with the org's secret: HMAC-SHA256 of the body as sent."""

    find_sender: FindSender

    provider: ClassVar[str]
    name: ClassVar[str] = "signed by the org's POS"
    limited: ClassVar[bool] = False

    @abstractmethod
    def signature_of(self, request: Request) -> bytes | None:
        """The signature's 32 bytes, None if there is none."""

    def identify(self, routed: RoutedRequest) -> Caller:
        """The POS of the org whose secret made the signature."""
        request, raw = routed.request, routed.raw
        sent = self.signature_of(request)
        named = routed.path.get("orgId") or request.headers.get(ORG_HEADER) or None
        found = None
        # What cannot be a signature is not worth a look at anybody's secrets.
        if sent is not None and (named is None or _ORG_ID.fullmatch(named)):
            found = self.find_sender(
                named, raw, lambda secret: hmac.compare_digest(sent, _digest(raw, secret))
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

    def signature_of(self, request: Request) -> bytes | None:
        """See SignedWebhook."""
        sent = request.headers.get("X-Alleaves-Signature", "").strip().removeprefix("sha256=")
        return bytes.fromhex(sent) if _HEX.fullmatch(sent) else None


class SignedByLightspeed(SignedWebhook):
    """``X-Signature: signature=…,algorithm=HMAC-SHA256``, in either order. The signature may be in
    hex or in base64: Lightspeed does not say which."""

    provider = "lightspeed"
    schemes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "lightspeedSignature": {"type": "apiKey", "in": "header", "name": "X-Signature"}
    }

    def signature_of(self, request: Request) -> bytes | None:
        """See SignedWebhook."""
        parts = request.headers.get("X-Signature", "").split(",")
        pairs = (part.partition("=") for part in parts)
        named = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if len(parts) != 2 or named.get("algorithm", "").upper() != "HMAC-SHA256":
            return None
        return _decoded(named.get("signature", ""))


@dataclass(frozen=True, slots=True)
class SecretInAddress(Rule):
    """A POS that does not sign: a secret of the org's is the last part of the address."""

    knows: KnowsSecret

    name: ClassVar[str] = "secret of the org in the address"
    limited: ClassVar[bool] = False

    def identify(self, routed: RoutedRequest) -> Caller:
        """The POS of the org in the path."""
        org_id, sent = routed.path.get("orgId", ""), routed.path.get("secret", "")
        # What cannot be a secret is not worth a look at anybody's.
        if _ORG_ID.fullmatch(org_id) and _ADDRESS_SECRET.fullmatch(sent):
            given = sent.encode()

            def fits(secret: SecretStr) -> bool:
                return hmac.compare_digest(given, secret.get_secret_value().encode())

            if self.knows(org_id, fits):
                return WebhookSender(org_id)
        raise Unauthenticated("the signature does not fit")


def signature(body: bytes, secret: SecretStr) -> str:
    """The signature of a body, in lower-case hex."""
    return _digest(body, secret).hex()


def _digest(body: bytes, secret: SecretStr) -> bytes:
    return hmac.digest(secret.get_secret_value().encode(), body, "sha256")


def _decoded(sent: str) -> bytes | None:
    """The 32 bytes of a signature in hex, or in base64 of either alphabet, padded or not."""
    if _HEX.fullmatch(sent):
        return bytes.fromhex(sent)
    plain = sent.replace("+", "-").replace("/", "_")
    return urlsafe_b64decode(f"{plain[:43]}=") if _BASE64.fullmatch(plain) else None
