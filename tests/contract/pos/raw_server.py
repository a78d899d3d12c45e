"""A server that answers with exactly the bytes it is told, at the pace it is told."""

import socket
import ssl
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

Answer = Callable[[socket.socket, bytes, Event], None]


class RawServer:
    """Each connection is served by a thread: it reads a request's head and calls ``answer`` with
    the socket, the head and an event that is set when the test ends, for as long as the other side
    goes on sending requests. ``tls`` where it is to speak HTTPS."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._tls = tls
        self._ending = Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[Thread] = []
        self.heads: list[bytes] = []
        self.connections = 0
        self._start(self._accept)

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/api"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True)
        with connection:
            connection.settimeout(0.2)
            while not self._ending.is_set():
                head = _head(connection)
                if head is None:
                    continue
                if not head:
                    return
                self.heads.append(head)
                try:
                    self._answer(connection, head, self._ending)
                except OSError:
                    return


def _head(connection: socket.socket) -> bytes | None:
    """A request's head; None where none came yet, empty where the other side is gone."""
    try:
        return connection.recv(65_536)
    except TimeoutError:
        return None
    except OSError:
        return b""


def reply(body: bytes, *headers: bytes, length: int | None = None) -> bytes:
    """A 200 with its length, or with a length that it does not keep."""
    lines = [b"HTTP/1.1 200 OK", *headers]
    lines.append(b"Content-Length: %d" % (len(body) if length is None else length))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
