"""A worker that is stopped (SIGSTOP) past its lease and then goes on changes nothing more."""

import base64
import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest
from google.cloud.firestore import Client

from deploy.local.cloudevents import Event, from_push
from deploy.local.environment import Addresses, of_function
from deploy.local.pubsub import PubSub
from deploy.manifest import Manifest
from tests.campaign.process_fault import ProcessFault
from tests.campaign.scale import Scale
from tests.campaign.worker import LEASE_LOST, Job, Setup, Worker
from tests.emulator.environment import Environment, SpendingRunner, SyncRunner
from tests.stored import StoredDocuments

ORG = "org_test"
SEEDS = 20 if os.environ.get("LONG") else 2
"""Every other one has a commit in its hand."""
LEASE_SECONDS = 2.0
LONGEST_SECONDS = 30.0
LAST_COMMIT = 12
"""A first sync of this org in commits of this size makes a few more."""
SCALE = Scale(
    writes_per_commit=60,
    checkpoint_seconds=0.2,
    checkpoint_writes=150,
    rows_per_window=60,
    customers_at_once=100,
    customers_per_message=300,
    everybody_from=200,
)

Start = Callable[[ProcessFault], Worker]
Documents = dict[str, tuple[Any, dict[str, Any]]]


@pytest.fixture
def start(
    environment: Environment, firestore_host: str, pubsub_host: str, tmp_path: Path
) -> Iterator[Start]:
    """Starts a process that syncs the org, as an instance of ``org_sync``."""
    manifest = Manifest.read().for_local_cloud()
    addresses = Addresses(
        environment.client.project, firestore_host, pubsub_host, tasks="127.0.0.1:9"
    )
    secrets = {name: each.local or "" for name, each in manifest.secrets.items()}
    variables = of_function(manifest.functions["org_sync"], manifest, addresses, secrets)
    pubsub = PubSub(pubsub_host, environment.client.project)
    for topic in manifest.topics:
        pubsub.create_topic(topic)
    setup = Setup(
        function="org_sync",
        environment={**variables, "LEASE_SECONDS": str(LEASE_SECONDS)},
        log=tmp_path / "worker.log",
        scale=SCALE,
    )
    started: list[Worker] = []

    def begin(fault: ProcessFault) -> Worker:
        instance = Worker(setup)
        started.append(instance)
        instance.begin(Job(sync_event(pubsub.topic("pos-sync")), timedelta(0), fault))
        return instance

    yield begin
    for instance in started:
        instance.end()
    pubsub.close()


def sync_event(topic: str) -> Event:
    message = {"orgId": ORG, "runId": "monday", "trigger": "cron"}
    data = base64.b64encode(json.dumps(message).encode()).decode()
    sent = {"data": data, "messageId": "1", "publishTime": "2026-01-05T08:00:00Z"}
    return from_push({"message": sent, "subscription": "org-sync"}, topic)


def wait_until_stopped(instance: Worker) -> psutil.Process:
    found = psutil.Process(instance.pid)
    end = time.monotonic() + LONGEST_SECONDS
    while found.status() != psutil.STATUS_STOPPED:
        assert not instance.connection.poll(), "it ended before it came to that commit"
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def wake(stopped: psutil.Process, instance: Worker) -> int | None:
    """Let the worker go on; how its job ends."""
    stopped.resume()
    assert instance.connection.poll(LONGEST_SECONDS)
    return instance.result()


def everything(client: Client) -> Documents:
    """Every document of the project with its version: whatever is written changes one."""
    collections = [
        *client.collections(),
        *client.document(f"tenants/{ORG}").collections(),
        client.collection_group("items"),
        client.collection_group("price_history"),
    ]
    return {
        found.reference.path: (found.update_time, found.to_dict() or {})
        for collection in collections
        for found in collection.stream()
    }


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_worker_overtaken_while_stopped_ends_and_changes_nothing(
    store: StoredDocuments,
    spending: SpendingRunner,
    sync: SyncRunner,
    client: Client,
    start: Start,
    seed: int,
) -> None:
    # Given a worker that was stopped anywhere in its run, be it with a commit in its hand
    dice = Random(f"stopped/{seed}")
    in_hand = bool(seed % 2)
    commit = dice.randint(2 if in_hand else 1, LAST_COMMIT)
    instance = start(ProcessFault("stopped", commit, "before" if in_hand else "after"))
    stopped = wait_until_stopped(instance)
    time.sleep(LEASE_SECONDS * 1.2)

    # and another run that took the org over, and has ended
    run = sync.run(ORG, run_id="tuesday")
    spending.compute_requested()
    assert run["state"] == "succeeded"
    before = everything(client)

    # When the worker goes on
    outcome = wake(stopped, instance)

    # Then it finds its lease lost, and not one document was written
    assert outcome == LEASE_LOST
    assert everything(client) == before
    assert store.document(f"tenants/{ORG}/sync_runs/monday")["error"]["code"] == "run_abandoned"


@pytest.mark.parametrize("commit", [1, 4, 9])
def test_a_worker_past_its_lease_ends_and_changes_nothing_though_nobody_took_over(
    client: Client, start: Start, commit: int
) -> None:
    instance = start(ProcessFault("stopped", commit, "after"))
    stopped = wait_until_stopped(instance)
    time.sleep(LEASE_SECONDS * 1.2)
    before = everything(client)

    outcome = wake(stopped, instance)

    assert outcome == LEASE_LOST
    assert everything(client) == before


def test_a_commit_in_hand_when_nobody_took_over_is_as_one_that_was_slow_on_its_way(
    client: Client, sync: SyncRunner, start: Start
) -> None:
    """Nobody else was there to be disturbed. It is the last that the worker gets through."""
    instance = start(ProcessFault("stopped", 4, "before"))
    stopped = wait_until_stopped(instance)
    lease = client.document(f"tenants/{ORG}/sync_state/lease")
    time.sleep(LEASE_SECONDS * 1.2)
    before = (lease.get().to_dict() or {})["commits"]

    outcome = wake(stopped, instance)

    assert outcome == LEASE_LOST
    assert (lease.get().to_dict() or {})["commits"] == before + 1
    assert sync.run(ORG, run_id="monday")["state"] == "succeeded"
