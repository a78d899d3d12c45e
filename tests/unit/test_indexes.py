"""``firestore.indexes.json`` has the indexes that the product's queries need, and no others."""

import inspect
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest

from shared.store import paths
from tests.indexes import FILE, WHOLE_GROUP, Needs, declared, missing
from tests.queries import RecordingDatabase, calls_in_source, recorded

DECLARED: dict[str, Any] = {
    "indexes": [
        {
            "collectionGroup": "orders",
            "queryScope": "COLLECTION",
            "fields": [
                {"fieldPath": "customerId", "order": "ASCENDING"},
                {"fieldPath": "createdAt", "order": "DESCENDING"},
            ],
        }
    ],
    "fieldOverrides": [
        {"collectionGroup": "orders", "fieldPath": "items", "indexes": []},
        {"collectionGroup": "items", "fieldPath": "*", "indexes": []},
        {
            "collectionGroup": "items",
            "fieldPath": "stock.main",
            "indexes": [{"order": "ASCENDING", "queryScope": "COLLECTION"}],
        },
    ],
}
UP, DOWN = "ASCENDING", "DESCENDING"
NEWEST = (("createdAt", DOWN),)

PROMISED = (
    Needs("customer_spending", False, frozenset({"orgId"}), (("updatedAt", DOWN),)),
    Needs("customers", False, frozenset({"orgId", "segment"}), (("totalSpent", DOWN),)),
    Needs("orders", False, frozenset({"orgId", "customerId"}), (("createdAt", DOWN),)),
)
"""What the contract promises to programs outside this repository."""

FOREIGN = {"tenants", "publicViews", "locations"}
"""Collections whose documents other programs write: what they index is not the product's to say."""
MOST_OVERRIDES = 200
"""What Firestore has allowed a database since there are exemptions; later versions allow more."""


@pytest.fixture(scope="module")
def databases() -> list[RecordingDatabase]:
    return recorded()


@pytest.fixture(scope="module")
def wanted(databases: list[RecordingDatabase]) -> set[Needs]:
    """What all queries need."""
    return {*PROMISED, *(each for database in databases for each in database.sent)}


@pytest.mark.parametrize(
    ("wanted", "served"),
    [
        (Needs("orders", False, frozenset({"customerId"}), NEWEST), True),
        (Needs("orders", False, frozenset(), NEWEST), True),
        (Needs("orders", False, frozenset({"customerId", "status"}), ()), True),
        (Needs("orders", False, frozenset(), (), frozenset({"tags"})), True),
        (Needs("orders", False, frozenset({"status"}), NEWEST), False),
        (Needs("orders", False, frozenset({"customerId"}), (("createdAt", UP),)), False),
        (Needs("orders", False, frozenset(), NEWEST, frozenset({"customerId"})), False),
        (Needs("orders", True, frozenset({"customerId"}), NEWEST), False),
        (Needs("orders", True, frozenset({"customerId"}), ()), False),
        (Needs("orders", False, frozenset({"items"}), ()), False),
        (Needs("orders", False, frozenset({"items.name"}), ()), False),
        (Needs("items", False, frozenset(), ()), True),
        (Needs("items", False, frozenset({"name"}), ()), False),
        (Needs("items", False, frozenset({"name.short"}), ()), False),
        (Needs("items", False, frozenset({"stock.main"}), ()), True),
        (Needs("items", False, frozenset(), (("stock.main", UP),)), True),
        (Needs("items", False, frozenset(), (("stock.main", DOWN),)), False),
        (Needs("items", False, frozenset(), (), frozenset({"stock.main"})), False),
    ],
)
def test_a_query_is_served_only_by_an_index_that_fits(wanted: Needs, served: bool) -> None:
    assert (missing(wanted, DECLARED) is None) is served


def test_every_place_that_queries_is_known(databases: list[RecordingDatabase]) -> None:
    """Whoever writes a new query has it recorded in tests/queries.py."""
    asked = {place for database in databases for place in database.places}
    unknown = [
        f"{file}:{line}"
        for (file, line), lines in calls_in_source().items()
        if not any(file == where and at in lines for where, at in asked)
    ]
    assert unknown == []


def test_every_query_has_its_index(wanted: set[Needs]) -> None:
    lacks = (missing(each, declared()) for each in wanted)
    assert sorted(lack for lack in lacks if lack) == []


def test_no_index_is_there_that_no_query_needs(wanted: set[Needs]) -> None:
    unused = [
        left_out
        for left_out, rest in _with_one_less(declared())
        if all(missing(each, rest) is None for each in wanted)
    ]
    assert unused == []


def test_no_field_of_a_collection_is_indexed_unless_it_is_named() -> None:
    exempt = {
        each["collectionGroup"]
        for each in declared()["fieldOverrides"]
        if each["fieldPath"] == WHOLE_GROUP and each["indexes"] == []
    }
    assert exempt == collections_of_the_store() - FOREIGN


def test_no_field_of_the_pos_settings_is_indexed_but_status_and_places() -> None:
    theirs = {
        each["fieldPath"]: len(each["indexes"])
        for each in declared()["fieldOverrides"]
        if each["collectionGroup"] == paths.LOCATIONS
    }
    used = {"posConfig.domainPrefix", "posConfig.locationId", "posConfig.status"}
    assert theirs == {"posConfig": 0, **dict.fromkeys(used, 1)}


def test_documents_expire_by_a_field_that_is_not_indexed() -> None:
    overrides = declared()["fieldOverrides"]
    expiring = {
        o["collectionGroup"]: (o["fieldPath"], o["indexes"]) for o in overrides if "ttl" in o
    }
    assert expiring == dict.fromkeys(
        (
            *("audit", "csv_parts", "dead_letters", "incidents", "loyalty_runs", "metrics_reports"),
            *("metrics_state", "notifications", "pos_writes", "quarantine"),
            *("sync_reports", "sync_runs", "verifications", "webhook_events"),
        ),
        ("expireAt", []),
    )


def test_the_file_is_what_firestore_takes() -> None:
    overrides = declared()["fieldOverrides"]
    assert len({(o["collectionGroup"], o["fieldPath"]) for o in overrides}) == len(overrides)
    assert len(overrides) <= MOST_OVERRIDES
    assert all("queryScope" in index for o in overrides for index in o["indexes"])
    assert FILE.read_text().endswith("}\n")


def _with_one_less(content: Mapping[str, Any]) -> Iterator[tuple[object, dict[str, Any]]]:
    """Each index of the file, and the file without it."""
    for at, index in enumerate(content["indexes"]):
        rest = deepcopy(dict(content))
        del rest["indexes"][at]
        yield index, rest
    for at, override in enumerate(content["fieldOverrides"]):
        for number, mode in enumerate(override["indexes"]):
            rest = deepcopy(dict(content))
            del rest["fieldOverrides"][at]["indexes"][number]
            yield (override["collectionGroup"], override["fieldPath"], mode), rest


def collections_of_the_store() -> set[str]:
    """Names of all collections of ``store/paths.py``."""
    made = [
        function(*("x" for _ in inspect.signature(function).parameters))
        for name, function in vars(paths).items()
        if inspect.isfunction(function) and not name.startswith(("_", "org_of"))
    ]
    constants = [
        value
        for name, value in vars(paths).items()
        if isinstance(value, str) and name.isupper() and name != "POS"
    ]
    return {name for path in (*made, *constants) for name in path.split("/")[::2]}
