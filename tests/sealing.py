"""Cloud KMS in this process: for sealers, and in the place of its client."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from google.api_core import exceptions as google
from google_crc32c import value as crc

from shared.outbound.sealing import Sealer

KEY = "projects/demo/locations/us-east1/keyRings/sync-sam/cryptoKeys/org-secrets"
MOST_BYTES = 65_536


def _error(kind: type[Exception], says: str) -> Exception:
    return kind(says)


@dataclass
class _Sealed:
    key: str
    version: int
    text: bytes
    associated: bytes


@dataclass
class InProcessKms:
    """Behaves as Cloud KMS does with symmetric keys: what it encrypts says which version of which
    key did it, and is another text each time. ``damage`` changes what is on its way."""

    versions: dict[str, int] = field(default_factory=lambda: {KEY: 1})
    """The primary version of each key there is."""
    disabled: set[tuple[str, int]] = field(default_factory=set)
    error: Exception | None = None
    damage: bool = False
    calls: int = 0
    _sealed: dict[bytes, _Sealed] = field(default_factory=dict)

    def rotate(self, key: str = KEY) -> None:
        """A new primary version of a key."""
        self.versions[key] += 1

    def encrypt(self, request: Mapping[str, Any], timeout: float) -> SimpleNamespace:
        key = self._asked(request["name"], timeout)
        text, associated = request["plaintext"], request["additional_authenticated_data"]
        if len(text) + len(associated) > MOST_BYTES:
            raise _error(google.InvalidArgument, "too long")
        version = self.versions[key]
        self._require_enabled(key, version)
        sealed = b"\x0a" + secrets.token_bytes(40) + bytes(len(text))
        self._sealed[sealed] = _Sealed(key, version, text, associated)
        received = text[1:] if self.damage else text
        return SimpleNamespace(
            name=f"{key}/cryptoKeyVersions/{version}",
            ciphertext=sealed,
            ciphertext_crc32c=crc(sealed),
            verified_plaintext_crc32c=request["plaintext_crc32c"] == crc(received),
            verified_additional_authenticated_data_crc32c=(
                request["additional_authenticated_data_crc32c"] == crc(associated)
            ),
        )

    def decrypt(self, request: Mapping[str, Any], timeout: float) -> SimpleNamespace:
        key = self._asked(request["name"], timeout)
        if request["ciphertext_crc32c"] != crc(request["ciphertext"]):
            raise _error(google.InvalidArgument, "The checksum does not match.")
        found = self._sealed.get(request["ciphertext"])
        associated = request["additional_authenticated_data"]
        if found is None or (found.key, found.associated) != (key, associated):
            raise _error(google.InvalidArgument, "Decryption failed: verify the key.")
        self._require_enabled(key, found.version)
        text = found.text[1:] if self.damage else found.text
        return SimpleNamespace(plaintext=text, plaintext_crc32c=crc(found.text))

    def _asked(self, key: str, timeout: float) -> str:
        assert timeout < 30
        self.calls += 1
        if self.error:
            raise self.error
        if key not in self.versions:
            raise _error(google.NotFound, "CryptoKey not found")
        return key

    def _require_enabled(self, key: str, version: int) -> None:
        if (key, version) in self.disabled:
            raise _error(google.FailedPrecondition, "the version is not enabled")


def memory_sealer() -> Sealer:
    """A sealer without Cloud KMS, whose texts only it can open."""
    kept: dict[bytes, tuple[str, bytes, bytes]] = {}

    def encrypt(key: str, text: bytes, associated: bytes) -> bytes:
        sealed = secrets.token_bytes(30)
        kept[sealed] = key, text, associated
        return sealed

    def decrypt(key: str, sealed: bytes, associated: bytes) -> bytes:
        with_key, text, with_associated = kept.get(sealed, ("", b"", b""))
        if (with_key, with_associated) != (key, associated):
            raise LookupError("it was not sealed for this place, or not with this key")
        return text

    return Sealer(KEY, encrypt, decrypt)
