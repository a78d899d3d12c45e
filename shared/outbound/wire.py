"""The connections below the HTTP library: one deadline, one size for a whole exchange.

The library's time-outs are those of single steps, which a server that sends a byte now and then
keeps renewing. Here each step (connecting, a piece sent, a packet received) gets what is left.
"""

import http.client
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from io import BufferedReader, RawIOBase
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError

from shared.outbound.addresses import AddressRefused, is_callable, is_loopback

_PIECE_BYTES = 16_384
"""A TLS record's worth: what one step of sending takes."""
_HEAD_BYTES = 262_144
"""Beside a body: status line, headers, the sizes of chunks."""
_NO_SUCH_HOST = (socket.EAI_NONAME, socket.EAI_NODATA)
"""What a resolver says of a name that does not exist, or has no address. All else it says may be
its own trouble."""


class _TooMuchReceived(OSError):
    """The server sent more bytes than an exchange may have."""


class Exchange:
    """The limits of sending one request and receiving its answer, from now on: ``seconds`` for
    all of it, ``step_seconds`` for each wait, ``most_bytes`` for the body as it is sent. No address
    is called but public ones, and with ``loopback`` those of this machine."""

    def __init__(
        self,
        seconds: float,
        *,
        step_seconds: float,
        most_bytes: int,
        monotonic: Callable[[], float],
        loopback: bool = False,
    ) -> None:
        self.loopback = loopback
        self._monotonic = monotonic
        self._until = monotonic() + seconds
        self._step_seconds = step_seconds
        self._bytes_left = most_bytes + _HEAD_BYTES
        self.host_unknown = False
        """Whether the name of the host called was found not to exist."""
        self.forbidden = False
        """Whether the name of the host called leads to an address that may not be called."""

    @property
    def seconds_left(self) -> float:
        """What is left of its time, never below 0."""
        return max(0.0, self._until - self._monotonic())

    @property
    def over(self) -> bool:
        """Whether its time is up."""
        return self._monotonic() >= self._until

    @property
    def flooded(self) -> bool:
        """Whether more came than it may have."""
        return self._bytes_left < 0

    def step(self, at_most: float | None = None) -> float:
        """Seconds for the next wait. Raises TimeoutError when the time is up."""
        left = self._until - self._monotonic()
        if left <= 0:
            raise TimeoutError("the exchange took too long")
        return min(left, self._step_seconds if at_most is None else at_most)

    def received(self, count: int) -> None:
        """Count bytes in. Raises OSError beyond the limit."""
        self._bytes_left -= count
        if self.flooded:
            raise _TooMuchReceived("the server sent too much")


_exchange: ContextVar[Exchange] = ContextVar("exchange")


@contextmanager
def limited_by(exchange: Exchange) -> Iterator[None]:
    """Calls made inside, in this thread, keep within the exchange's limits."""
    token = _exchange.set(exchange)
    try:
        yield
    finally:
        _exchange.reset(token)


class LimitedAdapter(HTTPAdapter):
    """Makes calls over connections that keep to the current Exchange."""

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        super().init_poolmanager(*args, **settings)
        _limit(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **settings: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(proxy, **settings)
        _limit(manager)
        return manager


class _Received(RawIOBase):
    """What a socket receives."""

    def __init__(self, raw: RawIOBase, sock: socket.socket, exchange: Exchange) -> None:
        self._raw = raw
        self._sock = sock
        self._exchange = exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._sock.settimeout(self._exchange.step())
        count: int | None = self._raw.readinto(buffer)
        self._exchange.received(count or 0)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **settings: Any) -> None:
        super().__init__(sock, *args, **settings)
        self.fp = BufferedReader(_Received(self.fp.detach(), sock, _exchange.get()))


class _Connection(HTTPConnection):
    response_class = _Response
    encrypted = False

    def _new_conn(self) -> socket.socket:
        """A socket connected to one of the host's addresses. A TLS handshake has the socket's
        time-out, as a whole."""
        exchange, connect_seconds = _exchange.get(), self.timeout
        reason = OSError("the host has no address")
        found = self._addresses(exchange)
        # The very addresses that are connected to: the name may lead elsewhere a moment later.
        # Through a proxy the address is that of the proxy, which the machine's owner set.
        if not self.proxy and not all(self._may_call(each[4][0], exchange) for each in found):
            exchange.forbidden = True
            raise AddressRefused("an address of the host may not be called")
        for *kind, _, address in found:
            sock = socket.socket(*kind)
            try:
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                sock.settimeout(exchange.step(connect_seconds))
                sock.connect(address)
                sock.settimeout(exchange.step(connect_seconds))
            except OSError as error:
                sock.close()
                reason = error
            else:
                return sock
        if isinstance(reason, TimeoutError):
            raise ConnectTimeoutError(self, "no connection in time") from reason
        raise reason

    def _may_call(self, address: str, exchange: Exchange) -> bool:
        if exchange.loopback and is_loopback(address):
            return True
        return self.encrypted and is_callable(address)

    def _addresses(self, exchange: Exchange) -> list[Any]:
        try:
            return socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            # A UnicodeError is an empty label, or one of over 63 letters. Through a proxy the name
            # is the proxy's.
            certain = not isinstance(error, socket.gaierror) or error.errno in _NO_SUCH_HOST
            exchange.host_unknown = certain and not self.proxy
            raise

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        exchange, rest = _exchange.get(), memoryview(data)
        while rest:
            self.sock.settimeout(exchange.step())
            super().send(rest[:_PIECE_BYTES])
            rest = rest[_PIECE_BYTES:]


class _TlsConnection(_Connection, HTTPSConnection):
    encrypted = True


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _limit(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
