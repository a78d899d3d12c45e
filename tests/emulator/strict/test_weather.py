"""What a client of Firestore must survive: contention, outages, lost answers, delay."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import (
    DeadlineExceeded,
    PermissionDenied,
    ServiceUnavailable,
)
from google.api_core.retry import Retry, if_exception_type
from google.cloud.firestore import Client, DocumentSnapshot

from deploy.local.clients import firestore_client
from shared.store.database import Conflict, Create, Database, Put, WriteRefused
from tests.strict_firestore import process
from tests.strict_firestore.control import Control
from tests.strict_firestore.weather import CONTENTION


def commits_at_once(database: Database, *paths: str) -> list[BaseException | None]:
    """What each commit ended with, of one that writes each path, all at the same time."""
    start = threading.Barrier(len(paths))

    def commit(path: str) -> None:
        start.wait()
        database.commit([Put(path, {"n": 1})])

    with ThreadPoolExecutor(len(paths)) as pool:
        return [each.exception() for each in [pool.submit(commit, path) for path in paths]]


def test_commits_that_overlap_on_a_document_are_aborted(
    database: Database, control: Control
) -> None:
    control.latency(0.2, rpc="Commit")
    control.contention()

    ended = commits_at_once(database, "towns/a", "towns/a", "towns/b")

    assert [str(each) for each in ended if each] == [CONTENTION]
    assert database.get("towns/b").exists


def test_without_contention_all_of_them_pass(database: Database, control: Control) -> None:
    control.latency(0.1, rpc="Commit")

    assert commits_at_once(database, "towns/a", "towns/a") == [None, None]


def test_a_document_written_too_often_is_contended_for(
    database: Database, control: Control, project: str
) -> None:
    control.contention(lasting=600.0, project=project)

    database.commit([Put("towns/a", {"n": 1})])
    (error,) = commits_at_once(database, "towns/a")

    assert str(error) == CONTENTION
    assert control.injected(project) == {"CONTENTION": 1}
    database.commit([Put("towns/b", {"n": 1})])


def test_what_goes_wrong_for_one_project_does_not_for_another(
    database: Database, control: Control, project: str
) -> None:
    control.fault("PERMISSION_DENIED", rpc=None, count=None, project="demo-another")
    database.commit([Put("towns/a", {"n": 1})])

    control.fault("PERMISSION_DENIED", rpc=None, count=None, project=project)
    with pytest.raises(PermissionDenied):
        database.get("towns/a")
    control.clear(project=project)

    assert database.get("towns/a").exists
    assert control.injected("demo-another") == {}


def test_the_client_tries_a_commit_again_that_was_not_done(
    database: Database, control: Control
) -> None:
    control.fault("RESOURCE_EXHAUSTED", count=1)
    control.fault("UNAVAILABLE", count=1)
    before = control.calls().get("Commit", 0)

    database.commit([Create("towns/a", {"n": 1})])

    assert database.get("towns/a").fields == {"n": 1}
    assert control.calls()["Commit"] == before + 3


def test_a_creation_whose_answer_is_lost_conflicts_with_itself(
    database: Database, control: Control
) -> None:
    control.fault("UNAVAILABLE", applied=True)

    with pytest.raises(Conflict):
        database.commit([Create("towns/a", {"n": 1})])

    assert database.get("towns/a").fields == {"n": 1}


def test_an_answer_may_be_lost_for_one_document_alone(database: Database, control: Control) -> None:
    control.fault("DEADLINE_EXCEEDED", applied=True, path="/towns/b")

    database.commit([Put("towns/a", {"n": 1})])
    with pytest.raises(DeadlineExceeded):
        database.commit([Put("towns/b", {"n": 1})])
    database.commit([Put("towns/b", {"m": 2}, owned=("m",))])

    assert database.get("towns/b").fields == {"n": 1, "m": 2}


def test_a_query_that_breaks_off_can_be_resumed(
    client: Client, database: Database, control: Control
) -> None:
    database.commit(Create(f"towns/{number:02}", {"n": number}) for number in range(20))
    control.fault("UNAVAILABLE", rpc="RunQuery", count=2, applied=True)

    retry = Retry(predicate=if_exception_type(ServiceUnavailable))
    found = [each.id for each in client.collection("towns").stream(retry=retry)]

    assert found == [f"{number:02}" for number in range(20)]


def test_reads_fail_too_while_they_are_told_to(database: Database, control: Control) -> None:
    control.fault("PERMISSION_DENIED", rpc=None, count=None)
    with pytest.raises(PermissionDenied):
        database.get("towns/a")
    control.clear()

    assert not database.get("towns/a").exists


def test_every_call_may_take_longer(database: Database, control: Control) -> None:
    control.latency(0.15, jitter=0.05)
    began = time.monotonic()

    database.get("towns/a")

    assert time.monotonic() - began >= 0.15


def test_what_was_refused_is_told_by_project_and_once(
    database: Database, control: Control, project: str
) -> None:
    control.fault("INTERNAL", count=1)
    with pytest.raises(WriteRefused):
        database.commit([Put("towns/__a__", {"n": 1})])

    (refusal,) = control.refusals(project)

    assert (refusal.rpc, refusal.status) == ("Commit", "INVALID_ARGUMENT")
    assert "__a__" in refusal.message
    assert control.refusals(project) == []


def test_a_command_that_it_does_not_know_is_refused(control: Control) -> None:
    with pytest.raises(grpc.RpcError, match="no gRPC status"):
        control.fault("UNLUCKY")


def test_a_listener_hears_of_changes(client: Client) -> None:
    seen = threading.Event()
    town = client.document("towns/a")

    def hear(found: list[DocumentSnapshot[Any]], *_: object) -> None:
        if any(each.exists for each in found):
            seen.set()

    listening = town.on_snapshot(hear)
    try:
        town.set({"n": 1})
        assert seen.wait(20)
    finally:
        listening.unsubscribe()  # type: ignore[no-untyped-call]


def test_it_runs_in_a_process_of_its_own(emulator_host: str, project: str, tmp_path: Path) -> None:
    log = tmp_path / "strict.log"
    with process.running(emulator_host, log, "--long-indexed-values") as control:
        client = firestore_client(control.host, project)
        database = Database(client)
        database.commit([Put("towns/a", {"text": "x" * 2_000})])
        with pytest.raises(WriteRefused):
            database.commit([Put("towns/__a__", {"n": 1})])
        assert database.get("towns/a").exists
        assert len(control.refusals()) == 1
        client.close()  # type: ignore[no-untyped-call]

    assert "reserved" in log.read_text()
    with pytest.raises(grpc.RpcError), Control(control.host) as gone:
        gone.calls()
