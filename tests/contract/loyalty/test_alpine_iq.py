"""The Alpine IQ client against the simulated one over real HTTP: every fault, every way to fail."""

from collections.abc import Callable, Iterator

import pytest
import requests

from deploy.local.simulator.alpine.account import api_key_of
from deploy.local.simulator.server import Server, serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec
from shared.domain.customers import normal_phone
from shared.domain.loyalty import ProviderAnswer, ProviderStatus
from shared.errors import (
    CredentialsRejected,
    ProviderBusy,
    ProviderFailed,
    ProviderUnreachable,
    ReplyUnreadable,
    SyncSamError,
)
from shared.loyalty.alpine_iq import AlpineIq, AlpineIqSettings
from shared.loyalty.port import UNKNOWN_CONTACT
from shared.outbound.credentials import SecretResolver, read_secret
from shared.outbound.destinations import Destinations
from shared.outbound.session import HttpSession, HttpSettings

SPEC = OrgSpec(id="org_test", customers=60, orders=80, products=10, rows=10, alpine_contacts=12)
QUICK = HttpSettings(read_seconds=0.5, total_seconds=4, attempts=3, backoff_seconds=0.01)


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(Simulation((SPEC,))) as running:
        yield running


@pytest.fixture
def open_client(server: Server) -> Iterator[Callable[..., AlpineIq]]:
    """Makes a client of the org's account, or with another key."""
    http = HttpSession(QUICK, Destinations(loopback=True))

    def make(key: str = api_key_of(SPEC)) -> AlpineIq:
        account = {"userId": "1", "apiKey": key, "baseUrl": f"{server.url}/alpine"}
        settings = AlpineIqSettings.model_validate(account)
        resolver = SecretResolver(read_secret, "project", plain_text=True)
        return settings.open(SPEC.id, http, resolver, admit=lambda: None)

    yield make
    http.close()


@pytest.fixture
def client(open_client: Callable[..., AlpineIq]) -> AlpineIq:
    return open_client()


def fault(server: Server, kind: str, **fields: object) -> None:
    body = {"kind": kind, "endpoint": "wallet", **fields}
    requests.post(f"{server.url}/control/faults", json=body, timeout=10).raise_for_status()


def test_every_contact_is_found_by_what_alpine_iq_knows_of_it(
    server: Server, client: AlpineIq
) -> None:
    for contact in server.simulation.orgs.get(SPEC.id).alpine.contacts:
        answer = client.look_up(contact["mobilePhone"], contact["email"])
        assert answer == ProviderAnswer(
            ProviderStatus.FOUND, contact["loyaltyPoints"], contact["contactID"]
        )


def test_just_the_contacts_are_found_among_the_customers(server: Server, client: AlpineIq) -> None:
    customers = server.simulation.orgs.get(SPEC.id).dataset.customers
    answers = [client.look_up(normal_phone(c["phone"]), c["email"] or None) for c in customers]
    found = [answer for answer in answers if answer.status is ProviderStatus.FOUND]
    assert len(found) == SPEC.alpine_contacts
    assert answers.count(UNKNOWN_CONTACT) == SPEC.customers - SPEC.alpine_contacts


def test_hidden_points_are_unknown(server: Server, client: AlpineIq) -> None:
    contacts = server.simulation.orgs.get(SPEC.id).alpine.contacts
    contact = next(iter(contacts))
    contacts.change(contact["contactID"], {"hidePointsInWallet": True})
    answer = client.look_up(contact["mobilePhone"], contact["email"])
    assert (answer.status, answer.points) == (ProviderStatus.HIDDEN, None)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("server_error", {"status": 500}),
        ("rate_limited", {"retryAfter": 1}),
        ("rate_limited", {"retryAfter": 1, "form": "date"}),
        ("truncated_json", {}),
        ("timeout", {"seconds": 2}),
    ],
)
def test_a_fault_that_passes_is_ridden_out(
    server: Server, client: AlpineIq, kind: str, fields: dict[str, object]
) -> None:
    # Given
    contact = next(iter(server.simulation.orgs.get(SPEC.id).alpine.contacts))
    fault(server, kind, count=1, **fields)
    # When / Then
    answer = client.look_up(contact["mobilePhone"], contact["email"])
    assert answer.points == contact["loyaltyPoints"]


@pytest.mark.parametrize(
    ("kind", "fields", "error"),
    [
        ("server_error", {"status": 503}, ProviderFailed),
        ("rate_limited", {"retryAfter": 600}, ProviderBusy),
        ("truncated_json", {}, ReplyUnreadable),
        ("timeout", {"seconds": 2}, ProviderUnreachable),
        ("unauthorized", {}, CredentialsRejected),
    ],
)
def test_a_fault_that_stays_is_told_as_what_it_is(
    server: Server,
    client: AlpineIq,
    kind: str,
    fields: dict[str, object],
    error: type[SyncSamError],
) -> None:
    # Given
    contact = next(iter(server.simulation.orgs.get(SPEC.id).alpine.contacts))
    fault(server, kind, **fields)
    # When
    with pytest.raises(error) as raised:
        client.look_up(contact["mobilePhone"], contact["email"])
    # Then
    ways = (contact["mobilePhone"], contact["email"], api_key_of(SPEC))
    assert not any(way in str(raised.value) for way in ways if way)


def test_a_key_of_nobody_is_the_orgs_to_correct(open_client: Callable[..., AlpineIq]) -> None:
    with pytest.raises(CredentialsRejected):
        open_client("a-key-of-nobody").look_up("+12125550100", None)
