"""Loopback ports that are kept for one process."""

import socket


class Port:
    """A free port, held until it is closed.

    The socket stays bound but never listens: on Linux a process that sets SO_REUSEADDR (Java,
    gunicorn and grpc do) may then listen on the port, while the kernel gives it to nobody who
    asks for any free port. So no other clone takes it, not even while its process restarts.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]

    @property
    def host(self) -> str:
        """``127.0.0.1:PORT``"""
        return f"127.0.0.1:{self.number}"

    @property
    def accepts(self) -> bool:
        """Whether a process listens on it."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.number)) == 0

    def close(self) -> None:
        self._socket.close()
