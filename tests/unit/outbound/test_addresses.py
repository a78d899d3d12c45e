"""What a call may be connected to: the address itself is looked at, whatever the name says."""

import _socket
import os
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clock import utc_now
from shared.errors import ConfigurationInvalid, Owner, ProviderRefused
from shared.outbound.addresses import AddressRefused, is_callable, only_public
from shared.outbound.credentials import TokenCache
from shared.outbound.destinations import Destinations
from shared.outbound.failures import AddressForbidden
from shared.outbound.session import HttpCall, HttpSession, HttpSettings
from shared.pos.registry import open_account
from tests.unit.pos.alleaves.service import PASSWORD, location
from tests.unit.pos.fakes import Canned, in_turn
from tests.unit.pos.outside import Outside

PUBLIC = ["8.8.8.8", "2607:f8b0:4004:c1b::65", "::ffff:8.8.8.8", "64:ff9b::808:808"]
NOT_PUBLIC = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255"),
    *("240.0.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1"),
    *("ff02::1", "::ffff:169.254.169.254", "::ffff:127.0.0.1", "::a9fe:a9fe", "64:ff9b::a9fe:a9fe"),
    *("2002:a9fe:a9fe::1", "2002:7f00:1::", "2001:0:a9fe:a9fe::1", "2001:db8::1", "nonsense"),
]
METADATA = "169.254.169.254"
HOST = "app.alleaves.com"


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_called(address: str) -> None:
    assert is_callable(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_other_address_is_called(address: str) -> None:
    assert not is_callable(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_local_cloud_calls_its_own_machine_and_no_other(address: str) -> None:
    own = {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}
    assert is_callable(address, loopback=True) == (address in own)


NETWORKS = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/29", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
]
"""Networks of IPv4 that are nobody's in public (RFC 6890)."""
INSIDE_IPV6: list[Callable[[IPv4Address], IPv6Address]] = [
    lambda v4: IPv6Address(0xFFFF << 32 | int(v4)),
    lambda v4: IPv6Address(0x64FF9B << 96 | int(v4)),
    lambda v4: IPv6Address(0x2002 << 112 | int(v4) << 80 | 1),
    lambda v4: IPv6Address(0x20010000 << 96 | int(v4) << 64),
    lambda v4: IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | (int(v4) ^ 0xFFFFFFFF)),
    lambda v4: IPv6Address(int(v4)),
]
"""By mapping, NAT64, 6to4, Teredo (as its server, as its client), and as IPv4 was once written."""


@settings(max_examples=int(os.environ.get("FUZZ_CASES", "300")))
@given(data=st.data())
def test_no_address_of_a_private_network_is_called_however_it_is_written(
    data: st.DataObject,
) -> None:
    network = IPv4Network(data.draw(st.sampled_from(NETWORKS)))
    address = data.draw(st.ip_addresses(v=4, network=network))
    assert isinstance(address, IPv4Address)
    inside = data.draw(st.sampled_from(INSIDE_IPV6))(address)
    for spelled in (str(address), str(inside), inside.exploded, inside.exploded.upper()):
        assert not is_callable(spelled), spelled


class Resolver:
    """The names of the network: each look-up of HOST has the next of ``answers``, the last for
    good. ``connected`` are the addresses that sockets were connected to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[list[str]] = []
        self.connected: list[str] = []
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)
        monkeypatch.setattr(socket, "socket", self._socket)

    def _resolve(self, host: str, port: int, **_: Any) -> list[Any]:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, (address, port)) for address in found]

    def _socket(self, *_: Any) -> "_Unconnected":
        return _Unconnected(self.connected)


class _Unconnected:
    """Connects to nothing."""

    def __init__(self, connected: list[str]) -> None:
        self._connected = connected

    def setsockopt(self, *_: Any) -> None: ...
    def settimeout(self, _: float) -> None: ...
    def close(self) -> None: ...

    def connect(self, address: tuple[str, int]) -> None:
        self._connected.append(address[0])
        raise ConnectionRefusedError


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    return Resolver(monkeypatch)


def ask(url: str = f"https://{HOST}/api", *, loopback: bool = False) -> None:
    settings = HttpSettings(attempts=3, backoff_seconds=0.001)
    session = HttpSession(settings, Destinations(loopback=loopback))
    session.call(HttpCall("GET", url, "The POS", "orders"), lambda data: data)


@pytest.mark.parametrize(
    "address", [METADATA, "::ffff:169.254.169.254", "fd00:ec2::254", "127.0.0.1", "10.0.0.7"]
)
def test_a_name_that_leads_into_a_network_is_not_called(resolver: Resolver, address: str) -> None:
    resolver.answers = [[address]]

    with pytest.raises(AddressForbidden, match="leads to an address that is not public") as raised:
        ask()

    assert address not in str(raised.value)
    assert resolver.connected == []


def test_a_name_that_leads_to_both_is_not_called_at_all(resolver: Resolver) -> None:
    resolver.answers = [["8.8.8.8", METADATA]]

    with pytest.raises(AddressForbidden):
        ask()

    assert resolver.connected == []


def test_a_name_that_is_moved_between_two_tries_is_looked_at_each_time(resolver: Resolver) -> None:
    resolver.answers = [["8.8.8.8"], [METADATA]]

    with pytest.raises(AddressForbidden):
        ask()

    assert resolver.connected == ["8.8.8.8"]


def test_what_is_not_encrypted_is_sent_to_this_machine_only(resolver: Resolver) -> None:
    resolver.answers = [["8.8.8.8"]]

    with pytest.raises(AddressForbidden):
        ask(f"http://{HOST}/api", loopback=True)

    assert resolver.connected == []


def test_the_settings_that_name_such_a_host_are_the_orgs_to_correct(resolver: Resolver) -> None:
    resolver.answers = [[METADATA]]
    session = HttpSession(destinations=Destinations.read("alleaves=pos.example.com"))
    named = location(baseUrl="https://pos.example.com/api")

    with pytest.raises(ConfigurationInvalid) as raised:
        open_account(named, session, TokenCache(utc_now), utc_now).client.locations()

    assert raised.value.owner is Owner.ORG
    assert str(raised.value) == (
        "the host pos.example.com leads to an address that is not public: correct"
        " posConfig.baseUrl of Main Street"
    )
    assert PASSWORD not in str(raised.value)


def test_no_redirect_is_followed() -> None:
    moved = Canned(302, headers={"Location": f"http://{METADATA}/computeMetadata/v1/"})
    outside = Outside(in_turn(moved))

    with pytest.raises(ProviderRefused, match=r"refused a request for orders \(302\)"):
        outside.ask()

    assert outside.tries == 1


@pytest.mark.parametrize(
    "address", [(METADATA, 80), ("127.0.0.1", 25), ("::1", 25, 0, 0), "/run/docker.sock"]
)
def test_other_libraries_are_kept_from_such_addresses_too(address: Any) -> None:
    family = socket.AF_INET
    if isinstance(address, str):
        family = socket.AF_UNIX
    elif len(address) == 4:
        family = socket.AF_INET6
    with only_public(loopback=False), pytest.raises(AddressRefused):
        _raw_connect(family, address)


def test_outside_of_that_nothing_is_watched() -> None:
    with only_public(loopback=False), pytest.raises(AddressRefused):
        _raw_connect(socket.AF_UNIX, "/run/nothing.sock")
    with pytest.raises(FileNotFoundError):
        _raw_connect(socket.AF_UNIX, "/run/nothing.sock")


def _raw_connect(family: int, address: Any) -> None:
    sock = _socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.connect(address)
    finally:
        sock.close()
