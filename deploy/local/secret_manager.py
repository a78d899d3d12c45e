"""A Secret Manager server for the calls that Sync Sam makes, over gRPC: the secrets are files, or
variables in the environment of the local cloud.

Google has no emulator of it. Each request reads anew: a secret is found as soon as it is there. Of
a secret only the newest version is kept: all versions of it are the same.
"""

import os
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import grpc
from google.cloud import secretmanager

from deploy.local.paths import within_clone

SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"
PARENT = re.compile(r"projects/[^/]+/secrets/([A-Za-z0-9_-]{1,255})")
VERSION = re.compile(PARENT.pattern + r"/versions/[A-Za-z0-9_-]+")
ONLY_VERSION = "versions/1"
PREFIX = "SECRET_"
NAMED = 20
"""Secrets, in a message."""
Code = grpc.StatusCode


class NoSecret(Exception):
    """There is none of that name: the message says how to put it there."""


class LocalSecrets:
    """The secret NAME is the file NAME in ``folder``, without a line break at its end; without one
    it is the variable SECRET_NAME, in capitals and with ``_`` for ``-``."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment

    def read(self, name: str) -> bytes:
        """The secret. Raises NoSecret for one that is missing or empty."""
        file, variable = self._folder / name, PREFIX + name.upper().replace("-", "_")
        found = file.read_bytes().rstrip(b"\r\n") if file.is_file() else b""
        found = found or self._environment.get(variable, "").encode()
        if not found:
            where = within_clone(file)
            raise NoSecret(
                f"this machine does not have it{self._others()}. Put it there with: printf %s 'THE"
                f" SECRET' > {where}, or start the local cloud with the variable {variable}; then"
                " publish the tick again"
            )
        return found

    def replace(self, name: str, data: bytes) -> None:
        """Put the secret into its file, whole or not at all."""
        with NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as new:
            new.write(data)
        Path(new.name).replace(self._folder / name)

    def _others(self) -> str:
        """The files that there are: one of them may be meant."""
        files = (
            sorted(each.name for each in self._folder.iterdir()) if self._folder.is_dir() else []
        )
        return f", it has {', '.join(files[:NAMED])}" if files else ""


class SecretManager:
    """The server."""

    def __init__(self, secrets: LocalSecrets) -> None:
        self._secrets = secrets
        self._server = grpc.server(ThreadPoolExecutor(4, thread_name_prefix="secret-manager-rpc"))
        self._server.add_generic_rpc_handlers((self._handlers(),))
        self._port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    @classmethod
    def of_folder(cls, folder: Path) -> "SecretManager":
        """A server of the secrets in a folder, which is made, and of this process's environment."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(LocalSecrets(folder, os.environ))

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._port}"

    def close(self) -> None:
        self._server.stop(grace=None).wait()

    def _handlers(self) -> "grpc.GenericRpcHandler[Any, Any]":
        asked: Any = secretmanager.AccessSecretVersionRequest
        answered: Any = secretmanager.AccessSecretVersionResponse
        access: Any = grpc.unary_unary_rpc_method_handler(
            self._access,
            request_deserializer=asked.deserialize,
            response_serializer=answered.serialize,
        )
        asked, answered = secretmanager.AddSecretVersionRequest, secretmanager.SecretVersion
        add: Any = grpc.unary_unary_rpc_method_handler(
            self._add,
            request_deserializer=asked.deserialize,
            response_serializer=answered.serialize,
        )
        methods = {"AccessSecretVersion": access, "AddSecretVersion": add}
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    def _access(self, request: Any, context: grpc.ServicerContext) -> Any:
        named = VERSION.fullmatch(request.name)
        if named is None:
            context.abort(Code.INVALID_ARGUMENT, "a name has letters, digits, - and _ only")
            raise AssertionError("abort never returns")
        try:
            data = self._secrets.read(named[1])
        except NoSecret as missing:
            context.abort(Code.NOT_FOUND, str(missing))
        return secretmanager.AccessSecretVersionResponse(name=request.name, payload={"data": data})

    def _add(self, request: Any, context: grpc.ServicerContext) -> Any:
        named = PARENT.fullmatch(request.parent)
        if named is None:
            context.abort(Code.INVALID_ARGUMENT, "a name has letters, digits, - and _ only")
            raise AssertionError("abort never returns")
        self._secrets.replace(named[1], request.payload.data)
        return secretmanager.SecretVersion(name=f"{request.parent}/{ONLY_VERSION}")
