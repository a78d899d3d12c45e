"""A running local cloud and the POS beside it, as tests use both."""

import time
from collections.abc import Callable

from google.cloud.firestore import Client

from deploy.local.simulator.server import Server
from deploy.local.stack import Stack
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments


class Cloud:
    """The cloud knows nothing of the POS at ``server`` but what ``locations`` documents say."""

    look_seconds = 0.1

    def __init__(self, stack: Stack, client: Client, server: Server) -> None:
        self.stack = stack
        self.client = client
        self.server = server
        self.pos = SimulatedPos(server.url)
        self.store = StoredDocuments(client)

    def wait(self, what: str, holds: Callable[[], object], seconds: float = 45) -> float:
        """Look until it holds; the seconds that took. Fails when it does not in time."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() < began + seconds, f"waited {seconds} s in vain: {what}"
            time.sleep(self.look_seconds)
        return time.monotonic() - began
