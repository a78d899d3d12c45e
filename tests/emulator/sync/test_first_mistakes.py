"""The five mistakes that one makes first, each told in the status by the next tick for the org: by
the functions as they are wired, with a secret manager and a resolver that know nothing."""

import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore import DELETE_FIELD, Client

from deploy.local.secret_manager import SecretManager
from deploy.local.simulator.spec import OrgSpec
from shared.bootstrap import cron_fanout, org_sync, secrets
from shared.bus.messages import PosSync
from shared.outbound import credentials
from tests.emulator.environment import Environment
from tests.emulator.functions import InProcess, pubsub_event
from tests.stored import StoredDocuments

ORG = "org_test"
MAIN = f"{ORG}-1000"
MISTYPED = "app.aleaves.com"
TOLD_WITHIN_SECONDS = 15.0
ACCOUNT = ("ALLEAVES_USERNAME", "ALLEAVES_PASSWORD", "ALLEAVES_PIN")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")

Tick = Callable[[], float]


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "a field": (
        {"posConfig.password": DELETE_FIELD, "posConfig.pasword": "sesame"},
        (
            f"The POS settings of location {MAIN} are not valid: unknown field pasword;"
            " posConfig.password is missing"
        ),
    ),
    "the secret": (
        {"posConfig.password": f"secret:pos-{ORG}-pasword"},
        (
            f"The secret pos-{ORG}-pasword, which posConfig.password of location {MAIN} names,"
            " cannot be read: this machine does not have it. Put it there with: printf"
        ),
    ),
    "the host": (
        {"posConfig.baseUrl": f"https://{MISTYPED}/api"},
        f"The host {MISTYPED}, which posConfig.baseUrl of location {MAIN} names, is none of ",
    ),
    "the location": (
        {"posConfig.locationId": "999"},
        (
            "The POS has no location 999, which posConfig.locationId of location"
            f" {MAIN} names: it has 1000 (Main Street)"
        ),
    ),
    "the status": (
        {"posConfig.status": "inactive"},
        (
            f"Org {ORG} has no active POS location: posConfig.status of location {MAIN} is"
            " inactive. Set posConfig.status to active to sync it"
        ),
    ),
}
"""What somebody writes, and how the status begins to answer."""


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    return (OrgSpec(id=ORG, seed=5, customers=6, orders=8, products=4, rows=5),)


@pytest.fixture
def secret_files(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


@pytest.fixture
def functions(environment: Environment, secret_files: Path) -> Iterator[InProcess]:
    """The functions, without an account or a proxy in their environment."""
    resolve = socket.getaddrinfo

    def resolved(host: Any, *rest: Any, **others: Any) -> Any:
        if host == MISTYPED:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *rest, **others)

    with (
        pytest.MonkeyPatch.context() as patch,
        closing(SecretManager.of_folder(secret_files)) as server,
    ):
        made = InProcess(environment.client.project, environment.database, patch)
        patch.setattr(secrets, "read_secret", credentials.read_secret)
        patch.setenv("SECRET_MANAGER_EMULATOR_HOST", server.host)
        for name in (*ACCOUNT, *PROXIES, *map(str.upper, PROXIES)):
            patch.delenv(name, raising=False)
        patch.setattr(socket, "getaddrinfo", resolved)
        credentials.secret_manager.cache_clear()
        yield made
        credentials.secret_manager.cache_clear()


@pytest.fixture
def tick(functions: InProcess) -> Tick:
    """A tick for the org, with the runs that it asks for; the seconds that it took."""
    fan_out, sync = functions.consumer(cron_fanout), functions.consumer(org_sync)
    ticks = iter(range(100))

    def deliver() -> float:
        began, asked_before = time.monotonic(), len(functions.published)
        message = {"job": "pos-sync", "orgId": ORG}
        fan_out(pubsub_event(f"tick-{next(ticks)}", json.dumps(message)))
        for topic, asked in functions.published[asked_before:]:
            assert (topic, type(asked)) == ("pos-sync", PosSync)
            sync(pubsub_event("sync", json.dumps(asked.to_json())))
        return time.monotonic() - began

    return deliver


@pytest.mark.parametrize(("mistake", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_by_the_next_tick_and_forgotten_once_it_is_corrected(
    client: Client,
    store: StoredDocuments,
    tick: Tick,
    mistake: dict[str, Any],
    says: str,
) -> None:
    # Given
    location = client.document(f"locations/{MAIN}")
    right = location.get().to_dict() or {}
    location.update(mistake)

    # When
    seconds = tick()

    # Then
    status = store.status(ORG)
    assert seconds < TOLD_WITHIN_SECONDS
    assert str(status["lastError"]).startswith(says)
    assert str(status["lastError"]).endswith("It is the dispensary's turn.")
    told = (status["status"], status["lastErrorCode"], status["lastErrorOwner"])
    assert told == ("error", "configuration_invalid", "org")
    assert "sesame" not in str(store.everything(ORG))

    # When it is corrected
    location.set(right)
    tick()

    # Then
    assert store.status(ORG)["status"] == "active"
    assert "lastError" not in store.status(ORG)


def test_a_secret_that_is_put_there_is_found_by_the_next_tick(
    client: Client, store: StoredDocuments, tick: Tick, secret_files: Path
) -> None:
    # Given settings that name a secret which is not there yet
    location = client.document(f"locations/{MAIN}")
    password = (location.get().to_dict() or {})["posConfig"]["password"]
    location.update({"posConfig.password": f"secret:pos-{ORG}-password"})
    tick()
    assert store.status(ORG)["status"] == "error"

    # When
    (secret_files / f"pos-{ORG}-password").write_text(f"{password}\n")
    tick()

    # Then
    assert store.status(ORG)["status"] == "active"
    assert password not in str(store.everything(ORG))
