"""Which network addresses may be called: public ones, never those of a private network.

A name that an org chose may lead anywhere, and elsewhere a moment later: what is checked is the
address that a socket is about to be connected to.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_V4_INSIDE = (IPv6Network("::/96"), IPv6Network("64:ff9b::/96"))
"""IPv6 networks whose last four bytes are the IPv4 address that is reached."""


class AddressRefused(OSError):
    """A socket was to be connected to an address that may not be called."""


def is_callable(address: str, *, loopback: bool = False) -> bool:
    """Whether a numeric address is public; with ``loopback`` also one of this machine."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return (loopback and is_loopback(address)) or all(map(_public, _reached(found)))


def is_loopback(address: str) -> bool:
    """Whether it is a numeric address of this machine."""
    try:
        return all(each.is_loopback for each in _reached(ip_address(address)))
    except ValueError:
        return False


def _public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address.is_site_local:  # which Python takes for global
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _reached(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, or those that one of IPv6 leads to by way of a mapping or tunnel."""
    if isinstance(address, IPv4Address) or address.is_loopback:
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if any(address in network for network in _V4_INSIDE):
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.teredo is not None:
        return [address, *address.teredo]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    return [address]


_guarded: ContextVar["bool | None"] = ContextVar("guarded", default=None)
"""Within ``only_public``: whether this machine's own addresses may be called too."""


@contextmanager
def only_public(*, loopback: bool) -> Iterator[None]:
    """Inside, other libraries' Python sockets connect to no address but those of ``is_callable``:
    AddressRefused. Threads that are given this context are bound too."""
    _watch_sockets()
    token = _guarded.set(loopback)
    try:
        yield
    finally:
        _guarded.reset(token)


@cache
def _watch_sockets() -> None:
    """Once in a process: the hook stays, and does nothing outside ``only_public``."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event not in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        return
    loopback = _guarded.get()
    if loopback is None:
        return
    address = arguments[1]
    if not isinstance(address, tuple) or not is_callable(str(address[0]), loopback=loopback):
        raise AddressRefused("the address is not public")
