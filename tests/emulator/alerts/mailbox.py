"""A notification service on this machine: apprise reaches it as ``json://``."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


class Mailbox:
    """Keeps what it is sent. ``working`` False makes it answer 500; ``silent`` not at all."""

    def __init__(self, port: int, token: str) -> None:
        self.url = f"json://merchant:{token}@127.0.0.1:{port}/"
        self.messages: list[dict[str, Any]] = []
        self.working = True
        self.silent = False
        self.closing = Event()

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.messages]


@contextmanager
def mailbox(token: str = "mailbox-token") -> Iterator[Mailbox]:
    """A mailbox that is open until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["content-length"]))
            if box.silent:
                box.closing.wait(30)
                return
            if box.working:
                box.messages.append(json.loads(text))
            self.send_response(200 if box.working else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    box = Mailbox(server.server_port, token)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        box.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
