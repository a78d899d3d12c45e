"""Simulated services, each on a port of its own, in a thread of the calling process."""

from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from deploy.local.simulator.app import create_app
from deploy.local.simulator.simulation import Simulation

_HOST = "127.0.0.1"
_THREADS = 64
_CLOSE_SECONDS = 5
_IN_MEMORY = 64 * 1024 * 1024
"""Bytes of a body that are not put into a file."""


class HttpServer:
    """A running server; also a context manager that closes it. ``stopping`` is set when it is to
    close, so that every wait of the application ends."""

    def __init__(self, app: Flask, stopping: Event, port: int) -> None:
        self._stopping = stopping
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._sockets,
            host=_HOST,
            port=port,
            threads=_THREADS,
            connection_limit=2_000,
            backlog=512,
            asyncore_use_poll=True,
            inbuf_overflow=_IN_MEMORY,
            outbuf_overflow=_IN_MEMORY,
        )
        self.port: int = self._server.effective_port
        self._thread = Thread(target=self._server.run, name=app.name, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{_HOST}:{self.port}"

    def close(self) -> None:
        """Stop listening, end waits and connections, and wait for the threads."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        # Replies go out through the sockets, so the workers end first.
        self._server.task_dispatcher.shutdown(timeout=_CLOSE_SECONDS)
        # The loop ends when it has no socket left; only its own thread may take them away.
        # Under the lock, or a loop that is awake anyway closes the trigger before it is pulled.
        trigger = self._server.trigger
        with trigger.lock:
            trigger.thunks.append(lambda: wasyncore.close_all(self._sockets))
            trigger.pull_trigger()
        self._thread.join(_CLOSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Server(HttpServer):
    """The simulated POS; its own base URL is ``{url}/api``."""

    def __init__(self, simulation: Simulation, port: int) -> None:
        self.simulation = simulation
        super().__init__(create_app(simulation), simulation.stopping, port)

    def locations(self) -> list[dict[str, Any]]:
        """``{"id", "document"}`` of every ``locations/{id}`` that points an org at this server."""
        return [d for org in self.simulation.orgs for d in org.location_documents(self.url)]


def serve(simulation: Simulation, port: int = 0) -> Server:
    """Serve ``simulation`` on 127.0.0.1; port 0 picks a free one."""
    return Server(simulation, port)
