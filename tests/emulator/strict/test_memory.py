"""The Firestore in memory answers as Google's emulator does, as far as it goes."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from google.cloud.firestore import Client

from deploy.local.clients import firestore_client
from deploy.local.simulator.server import serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.truth import Truth
from shared.store.database import Conflict, Create, Database, Put, Remove, Update, Write
from tests.emulator.environment import SMALL, Environment
from tests.fakes import OffsetClock
from tests.memory_firestore.server import MemoryFirestore
from tests.strict_firestore.proxy import Proxy

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TOWNS = "tenants/org/towns"


@pytest.fixture(scope="module")
def memory_host() -> Iterator[str]:
    with MemoryFirestore() as memory, Proxy(memory.host) as proxy:
        yield proxy.host


@pytest.fixture
def memory_client(memory_host: str, project: str) -> Iterator[Client]:
    with closing(firestore_client(memory_host, project)) as found:
        yield found


@pytest.fixture
def both(database: Database, memory_client: Client) -> tuple[Database, Database]:
    """The emulator and the memory."""
    return database, Database(memory_client)


def towns() -> list[Write]:
    """Towns with values of several types, and one elsewhere."""
    found: list[Write] = [
        Create(
            f"{TOWNS}/{number:02}",
            {
                "n": number % 7 if number % 2 else float(number % 7),
                "name": f"town {number % 3}",
                "at": NOON + timedelta(hours=number % 5),
                "inner": {"x": number, "y z": None},
                "list": [number, "a"],
            },
        )
        for number in range(20)
    ]
    found += [
        Create(f"{TOWNS}/odd", {"n": "text", "name": None}),
        Create("tenants/other/towns/far", {"n": 3, "name": "far"}),
    ]
    return found


QUERIES: list[dict[str, Any]] = [
    {},
    {"limit": 5},
    {"filters": [("name", "==", "town 1")]},
    {"filters": [("name", "==", None)]},
    {"filters": [("n", "in", [1, 2, "text"])], "select": ["inner.x", "name"]},
    {"everywhere": True},
    {"filters": [("at", "<", NOON + timedelta(hours=2))]},
    {"filters": [("at", ">=", NOON + timedelta(hours=3))], "order_by": [("at", "DESCENDING")]},
    {"filters": [("list", "array_contains", 4)]},
    {"order_by": [("n", "ASCENDING")], "limit": 9},
    {"order_by": [("n", "DESCENDING")], "select": []},
    {"order_by": [("n", "ASCENDING")], "after": {"n": 4}},
    {"filters": [("name", "==", "nowhere")]},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_a_query_finds_the_same_in_the_same_order(
    both: tuple[Database, Database], query: dict[str, Any]
) -> None:
    def answers(database: Database) -> list[tuple[str, Any]]:
        database.commit(towns())
        given = dict(query)
        where = "towns" if given.get("everywhere") else TOWNS
        found = database.query(where, *given.pop("filters", ()), **given)
        return [(each.path, each.fields) for each in found]

    by_emulator, by_memory = map(answers, both)

    assert by_memory == by_emulator


def test_counts_sums_and_look_ups_are_the_same(both: tuple[Database, Database]) -> None:
    def answers(database: Database) -> list[Any]:
        database.commit(towns())
        found = database.get_all([f"{TOWNS}/03", f"{TOWNS}/none"], ["name", "inner.x"])
        return [
            database.totals(TOWNS, ("name", "==", "town 1")),
            database.totals(TOWNS, sums=["inner.x"]),
            {path: each.fields for path, each in found.items()},
            database.get(f"{TOWNS}/04").fields,
        ]

    by_emulator, by_memory = map(answers, both)

    assert by_memory == by_emulator


def test_commits_leave_the_same_and_conflict_alike(both: tuple[Database, Database]) -> None:
    def story(database: Database) -> list[Any]:
        first = database.commit([Create("towns/a", {"n": 1, "m": {"x": 1, "y": 2}, "gone": 1})])
        told: list[Any] = []
        commits: list[list[Write]] = [
            [Create("towns/a", {"n": 2})],
            [Update("towns/none", {"n": 2})],
            [Put("towns/b", {"n": 1}), Update("towns/none", {"n": 2})],
            [Update("towns/a", {"n": 2}, if_version=NOON)],
            [Update("towns/a", {"n": 2, "gone": None}, if_version=first)],
            [Put("towns/a", {"n": 3}, owned=("n", "o"))],
            [Create("towns/c", {"n": 1}), Update("towns/c", {"n": 2}), Remove("towns/none")],
            [Remove("towns/c"), Put("towns/d", {"n": 1})],
        ]
        for writes in commits:
            try:
                database.commit(writes)
            except Conflict:
                told.append("conflict")
        return [*told, {each.id: each.fields for each in database.query("towns")}]

    by_emulator, by_memory = map(story, both)

    assert by_memory == by_emulator
    assert by_memory[:-1] == ["conflict"] * 4


def test_an_index_follows_what_is_written(memory_client: Client) -> None:
    database = Database(memory_client)

    def ids(value: str) -> list[str]:
        return [each.id for each in database.query("towns", ("name", "==", value))]

    database.commit([Create("towns/a", {"name": "x"}), Create("towns/b", {"name": "x"})])
    assert ids("x") == ["a", "b"]

    database.commit([Update("towns/a", {"name": "y"}), Remove("towns/b")])
    database.commit([Create("towns/c", {"name": "y"})])

    assert (ids("x"), ids("y")) == ([], ["a", "c"])


def test_an_org_is_synced_into_memory_and_its_figures_are_right(memory_client: Client) -> None:
    database = Database(memory_client)
    with serve(Simulation([SMALL])) as server:
        environment = Environment(memory_client, database, server, OffsetClock())
        environment.sync.run(SMALL.id)
        environment.spending.compute_requested()
        second = environment.sync.run(SMALL.id)
        truth = Truth(environment.pos.data(SMALL.id), SMALL.timezone)

    stored = memory_client.collection(f"tenants/{SMALL.id}/customers").stream()
    kept = {each.id: each.to_dict() or {} for each in stored}
    assert kept.keys() == set(map(str, truth.figures))
    for customer, figures in truth.figures.items():
        assert Decimal(str(kept[str(customer)]["totalSpent"])) == figures.spent
    assert second["state"] == "succeeded"
    assert not any(each["created"] or each["updated"] for each in second["streams"].values())
