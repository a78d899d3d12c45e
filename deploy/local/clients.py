"""Clients of the emulators for the parts that run outside the functions."""

import os
import threading

from google.cloud import firestore

_ENVIRONMENT = threading.Lock()


def firestore_client(host: str, project: str) -> firestore.Client:
    """A client of the Firestore emulator at ``host``.

    The library takes that address from the environment alone, when the client is made; two stacks
    in one process need two of them, so the environment is put back at once.
    """
    name = "FIRESTORE_EMULATOR_HOST"
    with _ENVIRONMENT:
        before = os.environ.get(name)
        os.environ[name] = host
        try:
            return firestore.Client(project=project)
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before
