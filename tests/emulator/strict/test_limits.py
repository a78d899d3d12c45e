"""Each limit of Firestore: what is just below it passes, what is just above it is refused."""

from collections.abc import Mapping
from contextlib import closing

import pytest
from google.api_core.exceptions import FailedPrecondition, InvalidArgument, MethodNotImplemented
from google.cloud.firestore import Client, Increment
from google.cloud.firestore_v1.base_query import FieldFilter

from deploy.local.clients import firestore_client
from shared.store.database import Create, Database, Put, Remove, Update, WriteRefused
from tests.strict_firestore.proxy import Proxy

QUARANTINED = "tenants/org/quarantine/record"
OVERHEAD = 32 + 16 + len("tenants org quarantine record ") + len("raw ")
"""Bytes of that document without what is in its field ``raw``, which is exempt from indexing."""


def raw(total: int) -> dict[str, object]:
    """Fields by which that document is of ``total`` bytes."""
    left = total - OVERHEAD - 2 * len("a ") - 2
    return {"raw": {"a": "x" * 500_000, "b": "x" * (left - 500_000)}}


def strings(count: int, text: str) -> list[str]:
    """Different strings of 1,000 bytes, thus of 1,001 stored."""
    return [f"{text}{number:04}".ljust(1_000) for number in range(count)]


def nested(depth: int) -> Mapping[str, object]:
    """Maps in each other, so many."""
    found: dict[str, object] = {"end": 1}
    for _ in range(depth - 1):
        found = {"m": found}
    return {"m": found}


def test_a_document_is_at_most_a_mebibyte(database: Database) -> None:
    database.commit([Put(QUARANTINED, raw(1_048_576))])

    with pytest.raises(WriteRefused, match=r"its size \(1,048,577 bytes\) exceeds"):
        database.commit([Put(QUARANTINED, raw(1_048_577))])


def test_fields_written_one_by_one_count_together(database: Database) -> None:
    database.commit([Put("towns/a", {"a": strings(600, "a")}, owned=("a",))])
    database.commit([Put("towns/a", {"b": strings(400, "b")}, owned=("b",))])

    with pytest.raises(WriteRefused, match="exceeds"):
        database.commit([Update("towns/a", {"c": strings(100, "c")})])

    assert set(database.get("towns/a").fields) == {"a", "b"}


def test_fields_that_shrink_make_room(database: Database) -> None:
    database.commit([Create("towns/a", {"a": strings(600, "a"), "b": strings(400, "b")})])
    for _ in range(3):
        database.commit([Update("towns/a", {"a": strings(500, "a")})])
        database.commit([Update("towns/a", {"a": strings(600, "a")})])
    database.commit([Update("towns/a", {"a": None})])
    database.commit([Update("towns/a", {"c": strings(600, "c")})])
    database.commit([Remove("towns/a")])
    database.commit([Create("towns/a", {"d": strings(1_000, "d")})])

    assert set(database.get("towns/a").fields) == {"d"}


def test_a_document_that_was_stored_before_the_proxy_started_counts_too(
    database: Database, emulator_host: str, project: str
) -> None:
    database.commit([Create("towns/a", {"a": strings(1_000, "a")})])

    with (
        Proxy(emulator_host) as later,
        closing(firestore_client(later.host, project)) as client,
        pytest.raises(WriteRefused, match="exceeds"),
    ):
        Database(client).commit([Update("towns/a", {"b": strings(100, "b")})])


def test_two_writes_of_one_commit_count_together(database: Database) -> None:
    with pytest.raises(WriteRefused, match="exceeds"):
        database.commit(
            [
                Create("towns/a", {"a": strings(600, "a")}),
                Update("towns/a", {"b": strings(600, "b")}),
            ]
        )


def test_a_document_has_at_most_40_000_index_entries(database: Database) -> None:
    def numbers(count: int) -> dict[str, int]:
        return {f"n{number}": number for number in range(count)}

    database.commit([Put("towns/a", {"m": numbers(19_999)})])
    with pytest.raises(WriteRefused, match="too many index entries for entity towns/a: 40,002"):
        database.commit([Put("towns/a", {"m": numbers(20_000)})])
    database.commit([Put("tenants/org/orders/a", {"items": numbers(25_000)})])


def test_an_indexed_value_is_at_most_1_500_bytes(database: Database) -> None:
    database.commit([Put("towns/a", {"m": {"text": "é" * 750, "list": ["x" * 1_500]}})])

    for fields in ({"m": {"text": "é" * 751}}, {"text": b"x" * 1_501}, {"list": ["x" * 1_501]}):
        with pytest.raises(WriteRefused, match="is longer than 1500 bytes"):
            database.commit([Put("towns/a", fields)])
    with pytest.raises(WriteRefused, match=r'"m.text" is longer .* \(1501 bytes, indexed, in'):
        database.commit([Put("towns/a", {"m": {"text": "x" * 1_501}})])
    database.commit([Put("towns/a", {"maps": [{"text": "x" * 1_501}]})])
    database.commit([Put(QUARANTINED, {"raw": {"text": "x" * 5_000}})])


def test_a_value_is_at_most_a_mebibyte_less_89_bytes(database: Database) -> None:
    database.commit([Put(QUARANTINED, {"raw": "x" * 1_048_487})])

    with pytest.raises(WriteRefused, match="is longer than 1048487 bytes"):
        database.commit([Put(QUARANTINED, {"raw": "x" * 1_048_488})])


@pytest.mark.parametrize("path", ["towns/__a", "towns/a__", "towns/_a_", f"towns/{'x' * 1_500}"])
def test_an_id_of_any_other_form_passes(database: Database, path: str) -> None:
    database.commit([Put(path, {"n": 1})])
    assert database.get(path).exists


@pytest.mark.parametrize("path", ["towns/__a__", "__a__/b", f"towns/{'x' * 1_501}"])
def test_a_reserved_or_long_id_is_refused(database: Database, path: str) -> None:
    for write in (Put(path, {"n": 1}), Update(path, {"n": 1}), Remove(path)):
        with pytest.raises(WriteRefused):
            database.commit([write])


def test_maps_are_at_most_20_deep(database: Database) -> None:
    database.commit([Put("towns/a", nested(20))])

    with pytest.raises(WriteRefused, match="20 levels"):
        database.commit([Put("towns/a", nested(21))])


def test_a_field_name_is_at_most_1_500_bytes_and_not_reserved(database: Database) -> None:
    database.commit([Put("towns/a", {"x" * 1_500: 1, "__a": 1})])

    for name in ("x" * 1_501, "__a__"):
        for write in (Put("towns/a", {name: 1}), Put("towns/a", {name: 1}, owned=(name,))):
            with pytest.raises(WriteRefused):
                database.commit([write])


def test_a_document_takes_500_transforms_in_a_commit(client: Client) -> None:
    def increments(count: int) -> dict[str, Increment]:
        return {f"n{number}": Increment(1) for number in range(count)}

    town = client.document("towns/a")
    town.set({})
    town.update(increments(500))
    with pytest.raises(InvalidArgument, match="more than 500 field transforms"):
        town.update(increments(501))


def test_a_request_is_at_most_10_mebibytes(database: Database) -> None:
    # The emulator itself takes no more than 4: what is just below 10 is refused for its id.
    def request(total: int) -> list[Put]:
        left = total - 2_000  # names and the like
        whole, rest = divmod(left, 1_000_000)
        sizes = [1_000_000] * whole + [rest]
        return [Put(f"quarantine/__{n}__", {"raw": "x" * size}) for n, size in enumerate(sizes)]

    with pytest.raises(WriteRefused, match="reserved"):
        database.commit(request(10 * 2**20))
    with pytest.raises(WriteRefused, match="payload size exceeds the limit: 10485760 bytes"):
        database.commit(request(10 * 2**20 + 2_000))


def test_a_request_of_4_mebibytes_passes_and_what_the_emulator_cannot_take_is_told_at_once(
    database: Database,
) -> None:
    whole = [Put(f"quarantine/{n}", {"raw": "x" * 1_000_000}) for n in range(4)]

    database.commit([*whole, Put("quarantine/rest", {"raw": "x" * 190_000})])
    with pytest.raises(MethodNotImplemented, match="The emulator cannot"):
        database.commit([*whole, Put("quarantine/rest", {"raw": "x" * 195_000})])


def test_a_query_needs_its_index(client: Client, database: Database) -> None:
    orders = client.collection("tenants/org/orders")
    of_customer = orders.where(filter=FieldFilter("customerId", "==", "c"))

    assert list(of_customer.order_by("createdAt").stream()) == []
    for lacking in (
        of_customer.order_by("subtotal"),
        orders.where(filter=FieldFilter("updatedAt", "==", 1)),
        orders.where(filter=FieldFilter("customer.email", "==", "ada@example.com")),
        orders.where(filter=FieldFilter("total", ">", 0)),
        orders.order_by("createdAt"),
        client.collection("tenants/org/discounts").where(
            filter=FieldFilter("productIds", "array_contains", "7")
        ),
        client.collection_group("orders").where(filter=FieldFilter("customerId", "==", "c")),
    ):
        with pytest.raises(FailedPrecondition, match="The query requires an index"):
            list(lacking.stream())
    with pytest.raises(FailedPrecondition, match="The query requires an index"):
        database.totals("tenants/org/orders", ("customerId", "==", "c"), sums=["subtotal"])
    with pytest.raises(FailedPrecondition, match="The query requires an index"):
        database.totals("tenants/org/orders", sums=["total"])
    assert database.totals("towns", sums=["total"]).count == 0


def test_a_query_has_at_most_30_disjunctions(client: Client) -> None:
    towns = client.collection("towns")

    def of(count: int) -> FieldFilter:
        return FieldFilter("n", "in", list(range(count)))

    assert list(towns.where(filter=of(30)).stream()) == []
    both = towns.where(filter=FieldFilter("m", "in", [1, 2]))
    assert list(both.where(filter=of(15)).stream()) == []
    for query in (towns.where(filter=of(31)), both.where(filter=of(16))):
        with pytest.raises(InvalidArgument, match="at most 30 are allowed"):
            list(query.stream())
