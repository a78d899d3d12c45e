"""HTTP servers of the local cloud that need no process of their own."""

import threading
from typing import TYPE_CHECKING

from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

IDLE_SECONDS = 60.0


class LoopbackServer:
    """Serves a WSGI application on a free port of 127.0.0.1, each connection in a thread."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._server = make_server("127.0.0.1", 0, app, True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        """``127.0.0.1:PORT``"""
        return f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Take no more requests."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Quiet(WSGIRequestHandler):
    """The console need not tell of each request."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""
