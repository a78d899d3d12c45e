"""Documents as a query is answered with them, and answers that break off."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core.exceptions import PermissionDenied, ServiceUnavailable
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import Client, GeoPoint
from google.cloud.firestore_v1 import _helpers
from google.cloud.firestore_v1.types import Document as DocumentMessage
from google.cloud.firestore_v1.types import RunQueryRequest, RunQueryResponse
from google.cloud.firestore_v1.vector import Vector
from hypothesis import given
from hypothesis import strategies as st

from shared.store.answers import fields_of
from shared.store.database import Database

ORDERS = "tenants/org_a/orders"
PLACE = f"projects/demo/databases/(default)/documents/{ORDERS}"
READ_AT = datetime(2026, 3, 18, 16, tzinfo=UTC)
CLIENT: Any = Client(project="demo", credentials=AnonymousCredentials())

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    texts,
    st.binary(max_size=20),
    st.datetimes(timezones=st.just(UTC)),
)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(texts, values, max_size=6))
def test_fields_are_those_that_googles_library_makes_of_them(fields: dict[str, Any]) -> None:
    message = DocumentMessage(fields=_helpers.encode_dict(fields))

    found = fields_of(DocumentMessage.pb(message), CLIENT)

    expected: Any = _helpers.decode_dict(message.fields, CLIENT)
    assert found == expected
    assert [type(each) for each in found.values()] == [type(each) for each in expected.values()]


@pytest.mark.parametrize(
    "value", [GeoPoint(42.6, -73.7), Vector([1.0, 2.0]), CLIENT.document("tenants/org_a")]
)
def test_values_that_only_other_programs_write_are_read_too(value: Any) -> None:
    message = DocumentMessage(fields=_helpers.encode_dict({"it": value, "in": {"a": [1]}}))

    assert fields_of(DocumentMessage.pb(message), CLIENT) == {"it": value, "in": {"a": [1]}}


class BreakingOff:
    """A Firestore of the documents "0", "1" and so on, whose answers end with these errors, one
    after the other, each behind so many documents."""

    def __init__(self, count: int, errors: Sequence[tuple[int, Exception]]) -> None:
        self.sent: list[RunQueryRequest] = []
        self._count, self._errors = count, list(errors)

    def run_query(self, request: dict[str, Any], **_: object) -> Iterator[RunQueryResponse]:
        self.sent.append(RunQueryRequest(request))
        query = self.sent[-1].structured_query
        start = int(query.start_at.values[0].integer_value) + 1 if query.start_at.values else 0
        after, error = self._errors.pop(0) if self._errors else (self._count, None)
        yield RunQueryResponse(read_time=READ_AT)
        for number in range(start, min(self._count, start + after)):
            document = DocumentMessage(
                name=f"{PLACE}/{number}",
                fields=_helpers.encode_dict({"n": number}),
                create_time=READ_AT,
                update_time=READ_AT,
            )
            yield RunQueryResponse(document=document, read_time=READ_AT)
        if error is not None:
            raise error


def failure(kind: Callable[[str], Exception]) -> Exception:
    return kind("as on a bad day")


def read(firestore: BreakingOff) -> list[str]:
    client: Any = Client(project="demo", credentials=AnonymousCredentials())
    client._firestore_api_internal = firestore
    found = Database(client).query(ORDERS, order_by=[("n", "ASCENDING")])
    return [document.path for document in found]


@pytest.mark.parametrize("after", [0, 1, 3])
def test_answers_that_break_off_go_on_behind_the_last_document(after: int) -> None:
    away = failure(ServiceUnavailable)
    firestore = BreakingOff(4, [(after, away), (1, away)])

    assert read(firestore) == [f"{ORDERS}/{number}" for number in range(4)]
    assert len(firestore.sent) == 3


def test_answers_that_are_refused_are_not_asked_for_again() -> None:
    firestore = BreakingOff(4, [(2, failure(PermissionDenied))])

    with pytest.raises(PermissionDenied):
        read(firestore)
    assert len(firestore.sent) == 1


@pytest.mark.parametrize("after", [0, 2])
def test_answers_that_always_break_off_are_not_asked_for_without_end(after: int) -> None:
    away = failure(ServiceUnavailable)
    firestore = BreakingOff(4, [(after, away), (0, away), (0, away)])

    with pytest.raises(ServiceUnavailable):
        read(firestore)
    assert len(firestore.sent) == 2
