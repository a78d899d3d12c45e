"""An org that is erased is gone, and no other is touched."""

import json
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from shared.bootstrap import loyalty_reconcile, org_sync, spending
from shared.clock import utc_now
from shared.errors import LeaseLost, NotFound
from shared.services.erasure.holding import ErasureWaits, OrgHold
from shared.services.erasure.whole_org import EraseOrg
from shared.store.database import Database
from tests.emulator.environment import Environment, SyncRunner, hold_org
from tests.emulator.erasure.erasing import ACTOR, ORG, documents
from tests.emulator.erasure.test_kills import DyingDatabase
from tests.emulator.erasure.traces import seed
from tests.emulator.functions import InProcess, pubsub_event
from tests.stored import StoredDocuments

OTHER = "org_other"


def service(database: Database, **settings: Any) -> EraseOrg:
    hold = OrgHold(database, utc_now, timedelta(seconds=2), settings.pop("patience", 5.0))
    return EraseOrg(database, hold, utc_now, **settings)


@pytest.fixture
def org(environment: Environment, sync: SyncRunner, store: StoredDocuments) -> None:
    """An org with everything, and another one."""
    sync.run(ORG)
    seed(environment.client, next(iter(store.documents(f"tenants/{ORG}/customers"))), utc_now())
    client = environment.client
    client.document(f"tenants/{ORG}").set({"alpineIq": {"apiKey": "secret:pos-org_test-org-key"}})
    product = next(iter(store.documents(f"tenants/{ORG}/products")))
    orphan = f"tenants/{ORG}/products/gone-{product}/price_history/1"
    client.document(orphan).set({"price": 1.0})
    client.document(f"tenants/{OTHER}/customers/1").set({"id": "1"})
    client.document("locations/other").set({"orgId": OTHER, "posConfig": {}})


def left(environment: Environment) -> list[str]:
    return sorted(p for p, f in documents(environment.client) if ORG in p or f.get("orgId") == ORG)


@pytest.mark.usefixtures("org")
def test_everything_of_the_org_is_deleted(environment: Environment) -> None:
    # When
    done = service(environment.database)(ORG, ACTOR)
    # Then
    assert left(environment) == []
    assert done.secrets == ("pos-org_test-org-key",)
    others = {path for path, _ in documents(environment.client)}
    assert {f"tenants/{OTHER}/customers/1", "locations/other"} <= others
    assert [
        (f["action"], f["target"])
        for p, f in documents(environment.client)
        if p.startswith("audit/")
    ].count(("org_erased", ORG)) == 1
    with pytest.raises(NotFound):
        service(environment.database)(ORG, ACTOR)


@pytest.mark.usefixtures("org")
@pytest.mark.parametrize("dies_at", [0, 1, 2])
def test_an_erasure_of_an_org_that_was_killed_goes_on(
    dies_at: int, environment: Environment
) -> None:
    # Given
    with pytest.raises((ServiceUnavailable, LeaseLost)):
        service(DyingDatabase(environment.client, dies_at))(ORG, ACTOR)
    # When
    service(environment.database)(ORG, ACTOR)
    # Then
    assert left(environment) == []


@pytest.mark.usefixtures("org")
@pytest.mark.parametrize(
    ("function", "message"),
    [
        (spending, {"customerIds": ["7"]}),
        (spending, {"requestId": "s1"}),
        (org_sync, {"runId": "r1", "trigger": "cron"}),
        (loyalty_reconcile, {}),
    ],
)
def test_what_its_last_changes_asked_for_is_no_dead_letter_and_writes_nothing(
    function: ModuleType, message: dict[str, Any], environment: Environment
) -> None:
    # Given
    service(environment.database)(ORG, ACTOR)
    # When
    with pytest.MonkeyPatch.context() as patch:
        functions = InProcess(environment.client.project, environment.database, patch)
        text = json.dumps({"orgId": ORG, **message})
        functions.consumer(function)(pubsub_event("m1", text))
    # Then
    assert left(environment) == []
    assert [p for p, _ in documents(environment.client) if p.startswith("dead_letters/")] == []


@pytest.mark.usefixtures("org")
def test_nothing_is_erased_beside_a_run(environment: Environment) -> None:
    # Given
    held = hold_org(environment.database, ORG, "run-under-way")
    # When
    with held, pytest.raises(ErasureWaits, match="run-under-way"):
        service(environment.database, patience=0.0)(ORG, ACTOR)
    # Then
    assert left(environment)
