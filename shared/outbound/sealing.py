"""Secrets sealed in orgs' settings: ``sealed:…`` is a text that Cloud KMS has encrypted for the one
place where it stands. Copied elsewhere, it cannot be opened
(docs/decisions/2026-11-22-secrets.md).
"""

import base64
import binascii
import json
import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import grpc
from google.api_core.exceptions import GoogleAPIError, InvalidArgument
from google.auth.exceptions import GoogleAuthError
from pydantic import SecretStr

from shared.domain.org_secrets import SecretPlace
from shared.errors import SecretsUnavailable

if TYPE_CHECKING:
    from google.cloud.kms_v1 import KeyManagementServiceClient

SEALED = "sealed:"
TIMEOUT_SECONDS = 10.0
T = TypeVar("T")
MOST_BYTES = 10_000
"""Of a secret's text: far more than any token has, and less than Cloud KMS takes."""
Transform = Callable[[str, bytes, bytes], bytes]
"""Encrypts or decrypts with the key of a name ``projects/P/locations/L/keyRings/R/cryptoKeys/K``:
data, and the associated data without which it cannot be decrypted. Raises LookupError for what was
not encrypted with this key and associated data, SecretsUnavailable."""


def encrypt(key: str, text: bytes, associated: bytes) -> bytes:
    """The Transform of Cloud KMS that encrypts."""
    from google_crc32c import value as crc

    answer = _asked(
        lambda: key_manager().encrypt(
            request={
                "name": key,
                "plaintext": text,
                "plaintext_crc32c": crc(text),
                "additional_authenticated_data": associated,
                "additional_authenticated_data_crc32c": crc(associated),
            },
            timeout=TIMEOUT_SECONDS,
        )
    )
    verified = (
        answer.verified_plaintext_crc32c and answer.verified_additional_authenticated_data_crc32c
    )
    if not verified or crc(answer.ciphertext) != answer.ciphertext_crc32c:
        raise SecretsUnavailable("what was sent was damaged on its way")
    return bytes(answer.ciphertext)


def decrypt(key: str, sealed: bytes, associated: bytes) -> bytes:
    """The Transform of Cloud KMS that decrypts."""
    from google_crc32c import value as crc

    answer = _asked(
        lambda: key_manager().decrypt(
            request={
                "name": key,
                "ciphertext": sealed,
                "ciphertext_crc32c": crc(sealed),
                "additional_authenticated_data": associated,
                "additional_authenticated_data_crc32c": crc(associated),
            },
            timeout=TIMEOUT_SECONDS,
        )
    )
    if crc(answer.plaintext) != answer.plaintext_crc32c:
        raise SecretsUnavailable("what was sent was damaged on its way")
    return bytes(answer.plaintext)


@cache
def key_manager() -> "KeyManagementServiceClient":
    """The client. Google's library does not look for an emulator by itself."""
    # Imported with the first sealed secret: it takes time at each cold start.
    from google.cloud.kms_v1 import KeyManagementServiceClient
    from google.cloud.kms_v1.services.key_management_service.transports import (
        KeyManagementServiceGrpcTransport,
    )

    emulator = os.environ.get("KMS_EMULATOR_HOST")
    if not emulator:
        return KeyManagementServiceClient()
    channel = grpc.insecure_channel(emulator)
    return KeyManagementServiceClient(transport=KeyManagementServiceGrpcTransport(channel=channel))


class Sealer:
    """Seals and opens secrets with one key. Without a ``key`` both raise SecretsUnavailable."""

    def __init__(
        self, key: str = "", encrypt: Transform = encrypt, decrypt: Transform = decrypt
    ) -> None:
        self._key = key
        self._encrypt = encrypt
        self._decrypt = decrypt

    def seal(self, secret: SecretStr, place: SecretPlace) -> SecretStr:
        """The secret as it may stand at ``place``, and nowhere else. Raises SecretsUnavailable, and
        ValueError for none, or one that is too long."""
        text = secret.get_secret_value().encode()
        if not 0 < len(text) <= MOST_BYTES:
            raise ValueError(f"a secret has 1 to {MOST_BYTES:,} bytes")
        sealed = self._encrypt(self._required_key(), text, _associated(place))
        return SecretStr(SEALED + base64.urlsafe_b64encode(sealed).decode())

    def open(self, sealed: SecretStr, place: SecretPlace) -> str:
        """The text that was sealed for ``place``. Raises LookupError, in words, where it was not,
        and SecretsUnavailable."""
        try:
            code = sealed.get_secret_value().removeprefix(SEALED)
            data = base64.b64decode(code, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise LookupError("it is not as it was sealed") from None
        opened = self._decrypt(self._required_key(), data, _associated(place))
        try:
            return opened.decode()
        except UnicodeDecodeError:  # which holds the secret
            raise LookupError("it is no text in UTF-8") from None

    def _required_key(self) -> str:
        if not self._key:
            raise SecretsUnavailable("SECRETS_KEY is not set")
        return self._key


def _associated(place: SecretPlace) -> bytes:
    """What binds a secret to its place. It never changes: all that is sealed depends on it."""
    return json.dumps([place.org_id, place.location_id, place.field]).encode()


def _asked(call: Callable[[], T]) -> T:
    try:
        return call()
    except InvalidArgument:
        raise LookupError("it was not sealed for this place, or not with this key") from None
    except (GoogleAPIError, GoogleAuthError) as error:
        raise SecretsUnavailable(type(error).__name__) from None
