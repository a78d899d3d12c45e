"""What a sync is held against, each measured on the same emulator and POS as the sync itself."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from typing import TypeVar

from google.cloud import firestore

from shared.store.database import Database
from shared.store.writes import Put
from tests.bench.plain_pos import PAGE_SIZE, PlainPos, Record

T = TypeVar("T")

BATCH = 400
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Naive:
    """A naive sync: seconds, calls to the POS and documents written."""

    seconds: float
    calls: int
    writes: int


def naive_sync(pos: PlainPos, client: firestore.Client, org_id: str) -> Naive:
    """Fetch everything, one call after the other, then write every record again."""
    started = time.monotonic()
    calls, listed = fetch_all(pos)
    writes = 0
    for kind, key, records in listed:
        collection = client.collection(f"tenants/{org_id}/{kind}")
        for part in parts(records, BATCH):
            batch = client.batch()
            for record in part:
                batch.set(collection.document(str(record[key])), record)
            batch.commit(timeout=TIMEOUT_SECONDS)
            writes += len(part)
    return Naive(time.monotonic() - started, calls, writes)


def fetch_all(pos: PlainPos) -> tuple[int, list[tuple[str, str, list[Record]]]]:
    """Number of calls; kind, name of the id, and records of each list."""
    calls, listed = 1, []
    for kind, key, fetch in (
        ("customers", "id_customer", pos.customers),
        ("orders", "id_order", pos.orders),
    ):
        records: list[Record] = []
        for page in count(1):
            rows = fetch(page)
            records += rows
            calls += 1
            if len(rows) < PAGE_SIZE:
                break
        listed.append((kind, key, records))
    products = {row["id_item"]: row for row in pos.inventory()}
    listed.append(("products", "id_item", list(products.values())))
    return calls, listed


def calls_at_once(pos: PlainPos, calls: Mapping[str, int], at_once: int) -> float:
    """Seconds for so many calls of each endpoint, ``at_once`` at a time and nothing done with
    what they bring."""
    by_endpoint: Mapping[str, Callable[[int], object]] = {
        "customers": pos.customers,
        "orders": pos.orders,
        "inventory": lambda _: pos.inventory(),
    }
    started = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        asked = [
            pool.submit(by_endpoint.get(endpoint, lambda _: pos.brands()), page)
            for endpoint, pages in calls.items()
            for page in range(1, pages + 1)
        ]
    for each in asked:
        each.result()
    return time.monotonic() - started


def write_rate(database: Database, writes: Sequence[Put]) -> float:
    """Documents per second that the emulator takes in batches, one after the other, from a client
    that does nothing else."""
    started = time.monotonic()
    for part in parts(writes, BATCH):
        database.commit(part)
    return len(writes) / (time.monotonic() - started)


def parts(whole: Iterable[T], size: int) -> Iterator[list[T]]:
    """The whole, so many at a time."""
    left = iter(whole)
    while part := list(islice(left, size)):
        yield part
