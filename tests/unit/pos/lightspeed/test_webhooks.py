"""Webhooks of Lightspeed as events."""

import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ids import is_document_id
from shared.errors import RequestInvalid
from shared.pos.lightspeed.webhooks import (
    CUSTOMER,
    INVENTORY,
    KINDS,
    PRODUCT,
    SALE,
    accounts_in,
    read_event,
)
from shared.pos.port import PosEvent

ID = "0adfd74a-153e-11e6-f681-2e5fbd7d9f3a"
DOCUMENTED = re.compile(r"^\| `([a-z_.]+)` \| `([^`]+)` \| (\w+) `([^`]+)` \|$", re.MULTILINE)

RECORDS: dict[str, dict[str, Any]] = {
    SALE: {"id": ID, "register_id": "r", "customer_id": "c", "invoice_number": "7"},
    CUSTOMER: {"id": ID, "customer_code": "Ines-7", "balance": 0},
    PRODUCT: {"id": ID, "handle": "cone", "sku": "10004", "active": True},
    INVENTORY: {"id": "stock-1", "product_id": ID, "outlet_id": "o", "count": "3"},
}
"""A record of each kind, by some of its fields."""


def body(payload: object, **fields: str) -> bytes:
    return urlencode({"payload": json.dumps(payload), **fields}).encode()


def named(event: PosEvent) -> dict[str, tuple[str, ...]]:
    kinds = {
        "customer": event.customer_ids,
        "sale": event.order_ids,
        "product": event.product_ids,
    }
    return {kind: ids for kind, ids in kinds.items() if ids}


SUBJECT = {SALE: "sale", CUSTOMER: "customer", PRODUCT: "product", INVENTORY: "product"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("says", [True, False])
def test_every_kind_of_record_is_named_with_and_without_its_type(kind: str, says: bool) -> None:
    found = read_event(body(RECORDS[kind], **({"type": kind} if says else {})))

    assert found.kind == kind
    assert named(found) == {SUBJECT[kind]: (ID,)}


def test_without_a_type_and_a_mark_it_is_a_sale() -> None:
    assert named(read_event(body({"id": ID}))) == {"sale": (ID,)}
    assert named(read_event(body({"id": ID}, type=""))) == {"sale": (ID,)}


@pytest.mark.parametrize("kind", ["consignment.send", "register_closure.create", "sale.created"])
def test_another_kind_of_event_is_kept_and_names_nothing(kind: str) -> None:
    assert read_event(body({"id": ID}, type=kind)) == PosEvent(kind=kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "wrong",
    [
        *(None, 7, "", "a/b", "x" * 201, "..", "__x__"),
        *([ID], {"id": ID}, "\ud800"),
    ],
)
def test_a_payload_without_a_usable_id_is_refused(kind: str, wrong: object) -> None:
    name = "product_id" if kind == INVENTORY else "id"

    with pytest.raises(RequestInvalid):
        read_event(body({**RECORDS[kind], name: wrong}, type=kind))


@pytest.mark.parametrize("payload", [None, [], 7, "text", {}, {"id": ID, "note": "\ud800"}])
def test_a_payload_that_is_no_record_is_refused(payload: object) -> None:
    with pytest.raises(RequestInvalid):
        read_event(body(payload, type=SALE))


def test_a_repeat_has_the_id_of_its_event_and_a_later_change_another() -> None:
    # Given a sale of some version
    sale = {**RECORDS[SALE], "version": 29_161_706_323}
    first = read_event(body(sale, type=SALE))

    # When it is sent again, spelled otherwise, and when it has changed
    repeat = read_event(body(dict(reversed(sale.items())), environment="prod", type=SALE))
    later = read_event(body({**sale, "version": 29_161_706_324}, type=SALE))

    # Then only the repeat is the same event
    assert first.id == repeat.id
    assert later.id not in (None, first.id)


@pytest.mark.parametrize("version", [None, "7", 7.0, True, -1, 2**63])
def test_what_is_no_version_identifies_no_event(version: object) -> None:
    assert read_event(body({**RECORDS[SALE], "version": version})).id is None


def test_the_stock_of_two_outlets_is_two_events() -> None:
    here, there = (
        read_event(body({**RECORDS[INVENTORY], "id": outlet, "version": 7}))
        for outlet in ("stock-1", "stock-2")
    )

    assert here.id != there.id


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"domain_prefix": "harbor"}, ("harbor",)),
        ({"domain_prefix": " Harbor-2 "}, ("harbor-2",)),
        ({"domain_prefix": ""}, ()),
        ({"domain_prefix": "a.b"}, ()),
        ({"domain_prefix": "a" * 64}, ()),
        ({"retailer_id": "harbor"}, ()),
    ],
)
def test_the_account_is_the_prefix_of_its_domain(
    fields: Mapping[str, str], found: tuple[str, ...]
) -> None:
    assert accounts_in(body(RECORDS[SALE], **fields)) == found


def test_of_a_field_that_is_sent_twice_the_first_counts() -> None:
    twice = body(RECORDS[SALE], type=SALE) + b"&type=customer.update&payload=7"

    assert named(read_event(twice)) == {"sale": (ID,)}


@given(st.binary(max_size=200))
def test_whatever_is_sent_it_is_read_or_refused(sent: bytes) -> None:
    for raw in (sent, b"payload=" + sent, b"type=sale.update&payload=%7B" + sent):
        with contextlib.suppress(RequestInvalid):
            read_event(raw)
        assert len(accounts_in(raw)) <= 1


ids = st.text(min_size=1, max_size=40).filter(is_document_id)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(
    kind=st.sampled_from(KINDS),
    record_id=ids,
    more=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), json_values),
    others=st.dictionaries(
        st.sampled_from(("domain_prefix", "retailer_id", "environment", "x")),
        st.text(st.characters(codec="utf-8"), max_size=20),
    ),
    first=st.booleans(),
)
def test_a_record_is_named_whatever_else_the_form_holds(
    kind: str, record_id: str, more: dict[str, Any], others: dict[str, str], first: bool
) -> None:
    payload = {**more, "id": record_id, "product_id": record_id}
    own = {"payload": json.dumps(payload), "type": kind}
    form = {**own, **others} if first else {**others, **own}

    assert named(read_event(urlencode(form).encode())) == {SUBJECT[kind]: (record_id,)}


def documented() -> list[tuple[str, str, str, str]]:
    """Each example in ``docs/lightspeed.md``: kind of event, body, kind of record, id."""
    text = (Path(__file__).parents[4] / "docs" / "lightspeed.md").read_text()
    return DOCUMENTED.findall(text)


@pytest.mark.parametrize(("kind", "sent", "subject", "record_id"), documented())
def test_a_documented_webhook_names_what_the_documentation_says(
    kind: str, sent: str, subject: str, record_id: str
) -> None:
    found = read_event(sent.encode())

    assert (found.kind, named(found)) == (kind, {subject: (record_id,)})


def test_every_kind_of_event_that_is_fetched_is_documented() -> None:
    assert {kind for kind, *_ in documented()} == set(KINDS)
