"""Killed at any write and delivered again, a run ends as if nothing had been."""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client

from deploy.local.clients import firestore_client
from deploy.local.simulator.server import serve
from deploy.local.simulator.simulation import Simulation
from shared.bus.messages import Loyalty
from shared.errors import Busy, LeaseLost
from shared.store.database import Database
from shared.store.writes import Write
from tests.emulator.environment import Environment
from tests.emulator.loyalty.conftest import SMALL
from tests.emulator.loyalty.runner import LoyaltyRunner
from tests.emulator.snapshot import Snapshot
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos

ORG = "org_test"
LEASE_SECONDS = 0.6
COMMITS = 9
"""Of an undisturbed run: the lease, what is to be done, two for each of 3 batches, the end; and
two of the alert's."""


class Killed(BaseException):
    """The process is gone: nothing of it can catch this and go on."""


class Mortal(Database):
    """Dies at the commit of a given number (from 0), before it is made or after; then nothing
    it is asked for is done any more."""

    def __init__(self, client: Client, at: int, *, after: bool) -> None:
        super().__init__(client)
        self.commits = 0
        self._dead = False
        self._own = threading.current_thread()
        self._at = at
        self._after = after

    def metered(self) -> "Mortal":
        return self

    def commit(self, writes: Iterable[Write]) -> object:  # type: ignore[override]
        if threading.current_thread() is not self._own:
            return self._renew(writes)
        place, self.commits = self.commits, self.commits + 1
        self._dead = place >= self._at
        if not self._dead or (place == self._at and self._after):
            version = super().commit(writes)
        if self._dead:
            raise Killed
        return version

    def _renew(self, writes: Iterable[Write]) -> object:
        """Its lease is kept alive by a thread of its own, which dies with it."""
        if self._dead:
            raise LeaseLost
        return super().commit(writes)


def run_until_done(loyalty: LoyaltyRunner, run_id: str, database: Database) -> None:
    """Deliver the message to a worker that is killed, then again until another may work."""
    message = Loyalty(org_id=ORG, run_id=run_id)
    with pytest.raises(Killed):
        loyalty.service(lease_seconds=LEASE_SECONDS, database=database)(message, "message-1")
    for _ in range(100):
        try:
            loyalty.service()(message, "message-1")
        except Busy:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the lease of the killed worker never ended")


def asked_twice(pos: SimulatedPos, loyalty: LoyaltyRunner) -> set[int]:
    """Customers whom Alpine IQ was asked for more than once; not those who share a telephone or
    an e-mail, for whom it is asked once each."""
    calls = Counter(call["phone"] or call["email"] for call in loyalty.look_ups(ORG))
    owners: dict[str, list[int]] = {}
    for customer in pos.data(ORG)["customers"]:
        digits = "".join(c for c in customer["phone"] or "" if c.isdigit())[-10:]
        for way in {f"+1{digits}", (customer["email"] or "").lower()}:
            owners.setdefault(way, []).append(customer["id_customer"])
    return {owners[who][0] for who, n in calls.items() if n > 1 and len(owners[who]) == 1}


ASKING = (2, 4, 6)
"""The commits that keep a batch's answers."""
BATCH = 50


@dataclass
class Org:
    """The org before its first loyalty run; ``points`` are those after an undisturbed one."""

    environment: Environment
    loyalty: LoyaltyRunner
    points: dict[str, dict[str, Any]]
    before: Snapshot


@pytest.fixture(scope="module")
def synced(firestore_host: str) -> Iterator[Org]:
    """Synced once for all tests here."""
    project = f"demo-{secrets.token_hex(6)}"
    with (
        closing(firestore_client(firestore_host, project)) as client,
        serve(Simulation((SMALL,))) as server,
    ):
        environment = Environment(client, Database(client), server, OffsetClock())
        loyalty = LoyaltyRunner(environment)
        loyalty.prepare(ORG)
        before = Snapshot(client)
        loyalty.reconcile(ORG, run_id="undisturbed")
        yield Org(environment, loyalty, loyalty.points(ORG), before)


@pytest.fixture
def org(synced: Org) -> Org:
    """As if there had never been a loyalty run."""
    synced.before.restore()
    synced.loyalty.alpine(ORG).forget_calls()
    synced.environment.notifier.bodies.clear()
    synced.environment.clock.later = timedelta(0)
    return synced


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(COMMITS))
def test_killed_at_any_commit_and_delivered_again(org: Org, at: int, after: bool) -> None:
    environment, loyalty = org.environment, org.loyalty
    # When a worker is killed at one of its commits, and the message is delivered again
    run_until_done(loyalty, "run-1", Mortal(environment.client, at, after=after))

    # Then everything is as it is after the undisturbed run
    run = environment.store.document(f"tenants/{ORG}/loyalty_runs/run-1")
    assert run["state"] == "succeeded"
    figures = ("asked", "found", "reconciled", "needsReview", "newlyInReview", "updated")
    assert [run["counts"][name] for name in figures] == [120, 24, 21, 3, 3, 120]
    assert loyalty.points(ORG) == org.points
    # and nobody was looked up twice, but the batch whose answers had arrived and were not kept
    again = asked_twice(environment.pos, loyalty)
    assert len(again) <= (BATCH if at in ASKING and not after else 0)
    # and people are notified once: by this run, or by the next where it died while notifying
    environment.clock.later = timedelta(minutes=2)
    loyalty.reconcile(ORG, run_id="next")
    assert len(environment.notifier.bodies) == 1
