"""How much a POS may send: beyond it an answer is unreadable, and nothing of it is built."""

import json
import tracemalloc
from collections.abc import Callable

import pytest

from shared.errors import Owner, ReplyUnreadable
from shared.pos.port import PAGE_RAW_LIMIT, RAW_LIMIT, Page, PosClient
from tests.unit.pos.alleaves.service import WINDOW, Alleaves
from tests.unit.pos.fakes import Canned, Sent

Listing = Callable[[PosClient], list[Page[object]]]


def orders(client: PosClient) -> list[Page[object]]:
    return [*client.orders(WINDOW)]


def customers(client: PosClient) -> list[Page[object]]:
    return [*client.customers()]


def inventory(client: PosClient) -> list[Page[object]]:
    return [*client.inventory("1000")]


def discounts(client: PosClient) -> list[Page[object]]:
    return [client.discounts()]


def sending(body: bytes) -> Alleaves:
    """A POS whose every listing is ``body``."""

    def interfere(sent: Sent) -> Canned | None:
        return None if sent.url.endswith("/auth") else Canned(body=body)

    service = Alleaves()
    service.interfere = interfere
    return service


def rows(count: int, row: bytes) -> bytes:
    return b"[" + b",".join([row] * count) + b"]"


@pytest.mark.parametrize(
    ("read", "body", "words"),
    [
        (orders, rows(1_001, b"{}"), "holds more than 1,000 rows."),
        (customers, rows(1_001, b"0"), "holds more than 1,000 rows."),
        (inventory, rows(20_001, b"{}"), "holds more than 20,000 rows."),
        (discounts, rows(20_001, b"0"), "holds more than 20,000 rows."),
        (orders, rows(1_500_000, b"0"), "holds more than 700,000 values."),
        (orders, rows(1, b" " * 16_000_000), "is larger than 16,000,000 bytes."),
        (inventory, rows(3_000_000, b"{}"), "holds more than 700,000 values."),
        (orders, rows(1, b"[" * 900 + b"]" * 900), "is nested deeper than 50 levels."),
    ],
)
def test_a_flood_is_refused_at_once_without_being_built(
    read: Listing, body: bytes, words: str
) -> None:
    # Given
    service = sending(body)
    client = service.client()

    # When
    tracemalloc.start()
    with pytest.raises(ReplyUnreadable) as raised:
        read(client)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # Then
    assert str(raised.value) == f"The POS at app.alleaves.com sent an answer that {words}"
    assert raised.value.owner is Owner.PROVIDER
    assert len(service.transport.sent) == 2  # one of them to sign in
    assert peak < 4 * len(body) + 4_000_000


def test_ten_times_the_rows_asked_for_are_read() -> None:
    # Given
    body = b"[" + b",".join(b"%d" % number for number in range(1_000)) + b"]"

    # When
    first = next(sending(body).client().orders(WINDOW))

    # Then
    assert len(first.rejected) == 1_000


def test_a_page_with_an_order_of_nine_thousand_lines_is_read() -> None:
    # Given a line with as many fields as Alleaves sends
    line = json.dumps({f"field_{number}": f"value {number}" for number in range(20)}).encode()
    order = b'{"id_order": 7, "items": ' + rows(9_000, line) + b"}"

    # When
    first = next(sending(rows(1, order)).client().orders(WINDOW))

    # Then it is one record among others, whatever is to become of it
    assert len(order) > 2_000_000
    assert first.rows == 1


def test_a_page_full_of_bad_rows_takes_little_memory() -> None:
    # Given
    body = rows(50, b'"' + b"x" * 240_000 + b'"')
    client = sending(body).client()

    # When
    tracemalloc.start()
    first = next(client.orders(WINDOW))
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # Then
    lengths = [len(bad.raw) for bad in first.rejected]
    assert max(lengths) == RAW_LIMIT
    assert sum(lengths) < PAGE_RAW_LIMIT + RAW_LIMIT
    assert kept < 4_000_000
    assert peak < 8 * len(body)
