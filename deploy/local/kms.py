"""A Cloud KMS server for the calls that Sync Sam makes, over gRPC, with one key in a file.

Google has no emulator of it. Every name of a key means the same key, which has one version.
"""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import grpc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.cloud import kms_v1
from google_crc32c import value as crc

SERVICE = "google.cloud.kms.v1.KeyManagementService"
KEY_BYTES, NONCE_BYTES = 32, 12
MOST_BYTES = 65_536
"""Of a text and its associated data, as in Cloud KMS."""
Code = grpc.StatusCode


def key_in(file: Path) -> bytes:
    """The key in a file that only its owner may read; made where there is none. Raises ValueError
    for a file that holds another thing."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=file.parent, prefix=".", delete=False) as new:
            new.write(secrets.token_bytes(KEY_BYTES))
        try:
            os.link(new.name, file)  # whoever makes it at the same moment has made it for both
        except FileExistsError:
            pass
        finally:
            Path(new.name).unlink()
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise ValueError(f"{file} is no key of {KEY_BYTES} bytes")
    return key


class KeyManager:
    """The server."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._server = grpc.server(ThreadPoolExecutor(4, thread_name_prefix="kms-rpc"))
        self._server.add_generic_rpc_handlers((self._handlers(),))
        self._port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._port}"

    def close(self) -> None:
        self._server.stop(grace=None).wait()

    def _handlers(self) -> "grpc.GenericRpcHandler[Any, Any]":
        asked: Any = kms_v1.EncryptRequest
        answered: Any = kms_v1.EncryptResponse
        encrypt: Any = grpc.unary_unary_rpc_method_handler(
            self._encrypt,
            request_deserializer=asked.deserialize,
            response_serializer=answered.serialize,
        )
        asked, answered = kms_v1.DecryptRequest, kms_v1.DecryptResponse
        decrypt: Any = grpc.unary_unary_rpc_method_handler(
            self._decrypt,
            request_deserializer=asked.deserialize,
            response_serializer=answered.serialize,
        )
        return grpc.method_handlers_generic_handler(
            SERVICE, {"Encrypt": encrypt, "Decrypt": decrypt}
        )

    def _encrypt(self, request: Any, context: grpc.ServicerContext) -> Any:
        associated = request.additional_authenticated_data
        if len(request.plaintext) + len(associated) > MOST_BYTES:
            context.abort(Code.INVALID_ARGUMENT, "plaintext and associated data are too long")
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, request.plaintext, associated)
        return kms_v1.EncryptResponse(
            name=f"{request.name}/cryptoKeyVersions/1",
            ciphertext=sealed,
            ciphertext_crc32c=crc(sealed),
            verified_plaintext_crc32c=request.plaintext_crc32c == crc(request.plaintext),
            verified_additional_authenticated_data_crc32c=(
                request.additional_authenticated_data_crc32c == crc(associated)
            ),
        )

    def _decrypt(self, request: Any, context: grpc.ServicerContext) -> Any:
        sealed = request.ciphertext
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            text = self._cipher.decrypt(nonce, rest, request.additional_authenticated_data)
        except (InvalidTag, ValueError):
            context.abort(Code.INVALID_ARGUMENT, "Decryption failed: the ciphertext is invalid.")
        return kms_v1.DecryptResponse(plaintext=text, plaintext_crc32c=crc(text))
