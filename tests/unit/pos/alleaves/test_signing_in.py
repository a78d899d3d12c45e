"""Signing in at Alleaves: with what, how often, and what happens when it is refused."""

import json
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.errors import CredentialsRejected, Owner
from shared.outbound.credentials import TokenCache
from tests.unit.pos.alleaves.service import PASSWORD, PIN, WINDOW, Alleaves
from tests.unit.pos.fakes import Canned, Sent


def test_it_signs_in_with_user_name_password_and_pin_apart() -> None:
    alleaves = Alleaves()

    list(alleaves.client().customers())

    (sign_in,) = alleaves.calls("/auth")
    assert sign_in.method == "POST"
    assert sign_in.body == {"username": "sync@example.com", "password": PASSWORD, "pin": PIN}


def test_an_empty_pin_is_not_sent() -> None:
    alleaves = Alleaves()

    list(alleaves.client(pin="").customers())

    assert "pin" not in alleaves.calls("/auth")[0].body


def test_a_token_withdrawn_in_mid_listing_is_renewed_once_for_all_threads() -> None:
    alleaves = Alleaves(orders=1_000)
    client = alleaves.client()
    pages = client.orders(WINDOW)
    next(pages)

    alleaves.good_tokens.clear()
    rest = list(pages)

    assert sum(page.rows for page in rest) == 900
    assert alleaves.sign_ins == 2


def test_threads_and_clients_of_one_account_sign_in_once() -> None:
    alleaves = Alleaves(customers=30)
    tokens = TokenCache(alleaves.time.now)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: list(alleaves.client(tokens).customers()), range(8)))

    assert alleaves.sign_ins == 1


def test_a_wrong_password_says_what_to_check() -> None:
    alleaves = Alleaves(customers=1)

    with pytest.raises(CredentialsRejected) as raised:
        list(alleaves.client(password="wr0ng").customers())

    assert str(raised.value) == (
        "The POS at app.alleaves.com does not accept the sign-in (401). Check user name, password "
        "and PIN of Main Street in the POS settings."
    )
    assert raised.value.owner is Owner.ORG
    assert len(alleaves.calls("/auth")) == 1


def test_a_token_refused_twice_means_the_credentials_are_not_good() -> None:
    alleaves = Alleaves(customers=1)
    alleaves.interfere = lambda sent: Canned(401) if "customer" in sent.url else None

    with pytest.raises(CredentialsRejected, match="of Main Street in the POS settings"):
        list(alleaves.client().customers())

    assert len(alleaves.calls("/auth")) == 2
    assert len(alleaves.calls("/customer/search")) == 2


def test_no_error_shows_password_pin_or_token() -> None:
    alleaves = Alleaves(customers=1)

    def echo(sent: Sent) -> Canned | None:
        return Canned(401, json.dumps([sent.body, sent.headers]).encode())

    alleaves.interfere = echo

    with pytest.raises(CredentialsRejected) as raised:
        list(alleaves.client().customers())

    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value.__context__)
    assert PASSWORD not in shown
    assert PIN not in shown


KEY = "k3y-of-nobody"


@pytest.mark.parametrize(
    ("settings", "header", "value"),
    [
        ({}, "Authorization", f"Bearer {KEY}"),
        ({"apiKeyHeader": "authorization"}, "authorization", f"Bearer {KEY}"),
        ({"apiKeyHeader": "X-Api-Key"}, "X-Api-Key", KEY),
    ],
)
def test_an_api_key_stands_in_place_of_a_sign_in(
    settings: dict[str, Any], header: str, value: str
) -> None:
    alleaves = Alleaves(customers=3)
    alleaves.good_tokens.add(value)

    client = alleaves.client(username="", password="", pin="", apiKey=KEY, **settings)
    (page,) = client.customers()

    assert len(page.records) == 3
    assert client.login_location() is None
    assert [sent.headers.get(header) for sent in alleaves.transport.sent] == [value]


def test_a_key_that_is_refused_is_the_orgs_to_correct_and_is_not_shown() -> None:
    alleaves = Alleaves(customers=1)

    with pytest.raises(CredentialsRejected) as raised:
        list(alleaves.client(username="", apiKey=KEY).customers())

    assert str(raised.value) == (
        "The POS at app.alleaves.com does not accept the sign-in (401). Check the API key of Main"
        " Street in the POS settings."
    )
    assert len(alleaves.transport.sent) == 1
    assert KEY not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    ("said", "found"), [(1001, "1001"), ("1001", "1001"), (None, None), ("a/b", None)]
)
def test_a_sign_in_may_name_the_location_that_it_belongs_to(
    said: object, found: str | None
) -> None:
    alleaves = Alleaves()
    alleaves.login_location = said

    assert alleaves.client(locationId=None).login_location() == found
