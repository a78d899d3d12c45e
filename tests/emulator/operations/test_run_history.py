"""An org's runs, the latest first, and what a dry run found."""

import pytest

from deploy.local.simulator.spec import OrgSpec
from shared.bus.messages import PosSync
from shared.services.sync.commands import PreviewSync, command_of
from tests.emulator.environment import SyncRunner
from tests.emulator.operations.client import OperationsClient
from tests.simulated_pos import SimulatedPos

ORG = "org_test"


@pytest.fixture
def specs() -> tuple[OrgSpec, ...]:
    return (OrgSpec(id=ORG, customers=8, orders=8, products=12, rows=12, seed=5),)


def test_runs_are_listed_the_latest_first_page_by_page(
    operations: OperationsClient, sync: SyncRunner
) -> None:
    for _ in range(3):
        sync.run(ORG)

    pages = operations.pages("pos/sync", "runs", token=ORG, orgId=ORG, limit=2)

    assert [[run["runId"] for run in page] for page in pages] == [["run-3", "run-2"], ["run-1"]]
    first = pages[1][0]
    assert (first["orgId"], first["state"], first["trigger"]) == (ORG, "succeeded", "cron")
    assert first["streams"]["customers"]["created"] == 8
    assert first["durationSeconds"] > 0
    assert first["cost"]["writes"] > 8


def test_an_org_without_runs_has_an_empty_history(operations: OperationsClient) -> None:
    assert operations.get("pos/sync", token=ORG, orgId=ORG) == {"runs": []}


def test_a_dry_run_is_read_change_by_change(
    operations: OperationsClient, sync: SyncRunner, pos: SimulatedPos
) -> None:
    sync.run(ORG)
    rows = pos.data(ORG)["inventory"]
    pos.replace(ORG, "inventory", [{**rows[0], "item": "Renamed"}, *rows[1:-1]])
    message = PosSync(org_id=ORG, run_id="look", trigger="manual", dry_run=True)
    command = command_of(message)
    assert isinstance(command, PreviewSync)
    sync.dry_run()(command)

    found = operations.get("reports/look", token=ORG, orgId=ORG)

    assert (found["complete"], found["spendingOf"]) == (True, 0)
    products = found["streams"]["products"]
    assert (products["updated"], products["removed"]) == (1, 1)
    renamed = next(each for each in products["changes"] if each["kind"] == "updated")
    assert renamed["fields"]["name"]["new"] == "Renamed"
    assert {each["kind"] for each in products["changes"]} == {"updated", "removed"}


@pytest.mark.usefixtures("pos")
def test_a_run_without_a_report_is_not_found(operations: OperationsClient) -> None:
    assert operations.reply("reports/run-1", token=ORG, orgId=ORG).status_code == 404
