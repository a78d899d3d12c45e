"""Whatever a record holds, it becomes a record or a rejection: it never stops the rest."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import thread_time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pos.alleaves.catalogue import to_inventory_row
from shared.pos.alleaves.orders import to_customer, to_order
from shared.pos.port import Rejected
from tests.unit.pos.alleaves.rows import customer, order, stock

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
Mapper = Callable[[object], object]
MAPPERS: dict[str, tuple[dict[str, Any], Mapper]] = {
    "customer": (customer(), lambda row: to_customer(row, ZONE)),
    "order": (order(), lambda row: to_order(row, ZONE, "1000", now=NOW)),
    "stock": (stock(), lambda row: to_inventory_row(row, "1000")),
}
CODES = {"not_an_object", "missing_id", "bad_text", "bad_money", "bad_time", "bad_quantity"}

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=30)
    | st.sampled_from(["NaN", "-0", "1e999", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", MAPPERS)
@given(data=st.data())
def test_no_value_of_any_field_breaks_a_mapper(kind: str, data: st.DataObject) -> None:
    row, mapper = MAPPERS[kind]
    changes = data.draw(st.dictionaries(st.sampled_from(sorted(row)), anything, max_size=4))

    record = mapper(row | changes)

    if isinstance(record, Rejected):
        assert record.code in CODES
        assert isinstance(json.loads(record.raw), dict)


@pytest.mark.parametrize("kind", MAPPERS)
@given(row=anything)
def test_no_row_at_all_breaks_a_mapper(kind: str, row: object) -> None:
    _, mapper = MAPPERS[kind]

    record = mapper(row)

    assert isinstance(record, Rejected)
    assert record.raw.encode()


@pytest.mark.parametrize("kind", MAPPERS)
def test_mapping_a_record_costs_little_beside_reading_it(kind: str) -> None:
    row, mapper = MAPPERS[kind]
    rows = [dict(row) for _ in range(1_000)]
    texts = [json.dumps(each) for each in rows]

    mapping, reading = least_seconds(mapper, rows), least_seconds(json.loads, texts)

    assert not any(isinstance(mapper(each), Rejected) for each in rows)
    assert mapping < 25 * reading


def least_seconds(work: Callable[[Any], object], given: Sequence[Any]) -> float:
    """CPU time of the quickest of a few rounds: others use this machine too."""
    found = []
    for _ in range(5):
        began = thread_time()
        for each in given:
            work(each)
        found.append(thread_time() - began)
    return min(found)
