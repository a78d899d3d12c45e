"""X-Series as a naive program uses it: page after page, and each record read and written."""

import time
from collections.abc import Iterator
from itertools import count

import requests
from google.cloud import firestore

from tests.bench.baselines import Naive
from tests.bench.plain_pos import PAGE_SIZE, TIMEOUT_SECONDS, Record

LISTS = ("customers", "sales", "products", "inventory")


def naive_sync(location: Record, client: firestore.Client, org_id: str) -> tuple[Naive, int]:
    """List everything from the beginning, one call after the other; read what is stored of each
    record, and write it. What that took, and the reads."""
    started = time.monotonic()
    calls = records = 0
    for kind in LISTS:
        collection = client.collection(f"tenants/{org_id}/{kind}")
        for page in _pages(location["posConfig"], kind):
            calls += 1
            for row in page:
                stored = collection.document(row["id"])
                before = stored.get(timeout=TIMEOUT_SECONDS).to_dict() or {}
                stored.set({**before, **row}, timeout=TIMEOUT_SECONDS)
                records += 1
    return Naive(time.monotonic() - started, calls, records), records


def _pages(config: Record, kind: str) -> Iterator[list[Record]]:
    """The pages of a list; the last one is empty."""
    url = f"{config['baseUrl']}/api/2.0/{kind}"
    headers = {"Authorization": f"Bearer {config['token']}", "User-Agent": "naive"}
    after = 0
    for _ in count():
        params = {"after": after, "page_size": PAGE_SIZE}
        reply = requests.get(url, params=params, headers=headers, timeout=TIMEOUT_SECONDS)
        reply.raise_for_status()
        found = reply.json()
        yield found["data"]
        if not found["data"]:
            return
        after = found["version"]["max"]
