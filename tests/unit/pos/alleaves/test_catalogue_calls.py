"""The calls around the stock list, and those that make something."""

import json
from collections.abc import Callable

import pytest

from shared.domain.write_back import NewCustomer
from shared.errors import ProviderError
from shared.outbound.credentials import TokenCache
from shared.outbound.session import HttpSession, HttpSettings
from shared.pos.port import PosWriter
from shared.pos.registry import open_account
from tests.unit.pos.alleaves.rows import stock
from tests.unit.pos.alleaves.service import Alleaves, location
from tests.unit.pos.fakes import Canned, Sent, ok

ADA = NewCustomer("Ada", "Quill", email="ada@example.com")


def answering(path: str, reply: Callable[[int], Canned]) -> Alleaves:
    """A service that answers the nth call of a path so."""
    service = Alleaves(rows=1)
    count = 0

    def interfere(sent: Sent) -> Canned | None:
        nonlocal count
        if not sent.url.endswith(path):
            return None
        count += 1
        return reply(count)

    service.interfere = interfere
    return service


def writer(service: Alleaves) -> PosWriter:
    http = HttpSession(
        HttpSettings(attempts=3),
        transport=service.transport,
        sleep=service.time.sleep,
        monotonic=service.time.monotonic,
        clock=service.time.now,
    )
    tokens = TokenCache(service.time.now)
    writer = open_account(location(), http, tokens, service.time.now).writer
    assert writer is not None
    return writer


def test_a_stock_row_that_is_sent_twice_counts_once() -> None:
    # Given a reply that has every row twice, and one batch that lies in two areas
    service = Alleaves()
    rows = [stock(id_batch=1), stock(id_batch=1, id_area=1001), stock(id_batch=2)]
    service.stock = [{**row, "total_rows": 3} for row in rows * 2]

    # When
    (page,) = service.client().inventory("1000")

    # Then
    assert [row.batch_id for row in page.records] == ["1", "1", "2"]


def test_discounts_come_in_one_page_with_the_unreadable_ones_apart() -> None:
    discounts = [{"id_discount": 1, "discount_type": "bogo"}, {"name": "no id"}]
    service = answering("/discount", lambda _: ok(discounts))

    page = service.client().discounts()

    assert [discount.id for discount in page.records] == ["1"]
    assert [rejected.code for rejected in page.rejected] == ["missing_id"]
    assert page.last


@pytest.mark.parametrize(
    "reply", [[{"id_brand": 1, "brand": "Lantern"}], {"brands": [{"id": 1, "name": "Lantern"}]}]
)
def test_a_list_of_names_may_stand_under_its_name(reply: object) -> None:
    service = answering("/inventory/brand", lambda _: ok(reply))

    found = service.client().named("brands")

    assert [(each.id, each.name) for each in found.value] == [("1", "Lantern")]
    assert found.requests == 2, "the call and the sign-in"


@pytest.mark.parametrize(
    "first",
    [Canned(500), Canned(502), Canned(200, b"{"), Canned(200, b'{"error": "?"}')],
    ids=["500", "502", "broken off", "without an id"],
)
def test_a_call_that_may_have_made_something_is_not_repeated(first: Canned) -> None:
    service = answering("/customer", lambda _: first)

    with pytest.raises(ProviderError):
        writer(service).create_customer(ADA)

    assert len(service.calls("/customer")) == 1


def test_a_call_that_made_nothing_is_repeated() -> None:
    # Given a service that is busy, then no longer knows the token, then does what it is asked
    answers = {1: Canned(429, headers={"Retry-After": "1"}), 2: Canned(401)}
    service = answering("/customer", lambda n: answers.get(n, ok({"id_customer": 9})))

    # When / Then
    assert writer(service).create_customer(ADA) == "9"
    calls = service.calls("/customer")
    assert len(calls) == 3
    body = calls[-1].body
    assert (body["name_first"], body["email"]) == ("Ada", "ada@example.com")
    assert "price" not in json.dumps(body)


def test_a_customer_without_anything_to_find_it_by_is_not_to_be_made() -> None:
    with pytest.raises(ValueError, match="e-mail"):
        NewCustomer("Ada", "Quill")
