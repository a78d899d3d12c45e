"""An erasure that is killed at any commit and asked for again ends as one that was not."""

import os
import secrets
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable
from google.cloud.firestore import Client

from deploy.local.clients import firestore_client
from shared.clock import utc_now
from shared.errors import LeaseLost
from shared.services.erasure.customer import EraseCustomer
from shared.store import erasures
from shared.store.database import Database
from shared.store.writes import Write
from tests.emulator.erasure.erasing import (
    ACTOR,
    E164,
    EMAIL,
    FIRST,
    LAST,
    ORG,
    PHONE,
    TRACES,
    documents,
    left_of,
)
from tests.emulator.erasure.traces import seed

SEEDS = 50 if os.environ.get("LONG") else 6
CUSTOMER, TWIN = "100777", "100778"
LEASE = timedelta(seconds=2)
OWN = ("erased", "erasures", "audit", "sync_state/lease", "sync_state/ecom", "loyalty_state/lease")
"""What an erasure itself leaves, with ids and moments of its own."""


unavailable: Any = ServiceUnavailable
"""It is not typed."""


class DyingDatabase(Database):
    """Commits nothing from the commit of that number on."""

    def __init__(self, client: Client, dies_at: int | None = None) -> None:
        super().__init__(client)
        self.commits = 0
        self.dies_at = dies_at

    def commit(self, writes: Iterable[Write]) -> datetime | None:
        given = list(writes)
        self.commits += len(given) > 1  # one alone may only renew a lease
        if self.dies_at is not None and self.commits > self.dies_at:
            raise unavailable("the worker is dead")
        return super().commit(given)


def person(number: str, **fields: Any) -> dict[str, Any]:
    contact = {"email": EMAIL, "phone": PHONE, "phoneE164": E164}
    return {"id": number, "firstName": FIRST, "lastName": LAST, **contact, **fields}


def shop(client: Client) -> None:
    """An org with the person, whose other record is linked, and somebody else."""
    client.document("locations/l1").set({"orgId": ORG, "posConfig": {"provider": "alleaves"}})
    org = f"tenants/{ORG}"
    others = {"id": "6", "firstName": "Ada", "lastName": "Doe", "email": "ada@example.com"}
    people = {
        CUSTOMER: person(CUSTOMER, duplicateIds=[TWIN]),
        TWIN: person(TWIN, email="another.zephyrine@example.com", duplicateOf=CUSTOMER),
        "6": others,
    }
    for place, (number, fields) in enumerate(people.items()):
        client.document(f"{org}/customers/{number}").set(fields)
        contact = {"email": fields["email"], "name": fields["firstName"], "phone": None}
        client.document(f"{org}/orders/alleaves_{place}").set(
            {"customerId": number, "customer": contact, "total": 20.0}
        )
    seed(client, CUSTOMER, utc_now())


def erase(database: Database) -> None:
    service = EraseCustomer(database, utc_now, lease_ttl=LEASE, patience_seconds=20)
    assert service(ORG, CUSTOMER, ACTOR).state == "done"


def state(client: Client) -> dict[str, Any]:
    own = tuple(f"tenants/{ORG}/{name}" for name in OWN)
    return {path: fields for path, fields in documents(client) if not path.startswith(own)}


def project_of(host: str) -> Client:
    return firestore_client(host, f"demo-{secrets.token_hex(6)}")


@pytest.fixture(scope="module")
def whole(firestore_host: str) -> tuple[dict[str, Any], int]:
    """What an erasure leaves that nobody kills, and its commits."""
    with closing(project_of(firestore_host)) as client:
        shop(client)
        database = DyingDatabase(client)
        erase(database)
        assert left_of(client, *TRACES, CUSTOMER, TWIN) == []
        return state(client), database.commits


@pytest.mark.parametrize("number", range(SEEDS))
def test_an_erasure_that_was_killed_ends_the_same(
    number: int, whole: tuple[dict[str, Any], int], firestore_host: str
) -> None:
    # Given
    expected, commits = whole
    dies_at = Random(number).randrange(commits) if commits > SEEDS else number * commits // SEEDS
    with closing(project_of(firestore_host)) as client:
        shop(client)
        with pytest.raises((ServiceUnavailable, LeaseLost)):
            erase(DyingDatabase(client, dies_at))
        # When
        erase(Database(client))
        # Then
        assert state(client) == expected
        assert left_of(client, *TRACES, CUSTOMER, TWIN) == []
        assert [each.state for _, each in erasures.of_org(Database(client), ORG)] == ["done"]
