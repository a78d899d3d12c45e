"""A host that does not exist: whose turn that is depends on who named it, and on who says so."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from shared.clock import utc_now
from shared.errors import ConfigurationInvalid, Owner, ProviderUnreachable, SyncSamError
from shared.outbound.credentials import TokenCache
from shared.outbound.destinations import Destinations
from shared.outbound.failures import HostUnknown
from shared.outbound.session import HttpSession, HttpSettings
from shared.pos.registry import open_account
from tests.unit.pos.alleaves.service import location

QUICK = HttpSettings(attempts=2, backoff_seconds=0.001)
MISTYPED = "https://app.aleaves.com/api"
HOSTS = Destinations.read("alleaves=app.aleaves.com")
Resolver = Callable[[Exception], list[str]]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """Has the system's resolver fail; the names that it is asked for."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def fail(error: Exception) -> list[str]:
        asked: list[str] = []

        def refuse(host: str, *_: Any, **__: Any) -> None:
            asked.append(host)
            raise error

        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        return asked

    return fail


def failure(base_url: str | None = None) -> SyncSamError:
    """The error of a call to the POS at that address."""
    settings = {"baseUrl": base_url} if base_url else {}
    with pytest.raises(SyncSamError) as raised:
        open_account(
            location(**settings), HttpSession(QUICK, HOSTS), TokenCache(utc_now), utc_now
        ).client.locations()
    return raised.value


@pytest.mark.parametrize(
    "says",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        socket.gaierror(socket.EAI_NODATA, "No address associated with hostname"),
        UnicodeError("label empty or too long"),
    ],
    ids=["unknown", "without an address", "impossible"],
)
def test_a_mistyped_host_is_the_org_s_to_correct(resolver: Resolver, says: Exception) -> None:
    asked = resolver(says)

    error = failure(MISTYPED)

    assert isinstance(error, ConfigurationInvalid)
    assert str(error) == (
        "the host app.aleaves.com does not exist: correct posConfig.baseUrl of Main Street"
    )
    assert set(asked) == {"app.aleaves.com"}


@pytest.mark.parametrize("base_url", [None, "https://APP.alleaves.com/api/"])
def test_the_provider_s_own_host_is_not_the_org_s_turn(
    resolver: Resolver, base_url: str | None
) -> None:
    resolver(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))

    error = failure(base_url)

    assert isinstance(error, HostUnknown)
    assert error.owner is Owner.PROVIDER
    assert "could not be reached: no such host exists (2 tries)." in str(error)


@pytest.mark.parametrize("code", [socket.EAI_AGAIN, socket.EAI_FAIL])
def test_a_resolver_that_does_not_know_now_says_nothing_about_the_host(
    resolver: Resolver, code: int
) -> None:
    asked = resolver(socket.gaierror(code, "Temporary failure in name resolution"))

    error = failure(MISTYPED)

    assert type(error) is ProviderUnreachable
    assert "could not be reached (2 tries)." in str(error)
    assert len(asked) == 2


def test_a_proxy_that_does_not_exist_says_nothing_about_the_host(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example.test:3128")
    asked = resolver(socket.gaierror(socket.EAI_NONAME, "Name or service not known"))

    error = failure(MISTYPED)

    assert type(error) is ProviderUnreachable
    assert set(asked) == {"proxy.example.test"}
