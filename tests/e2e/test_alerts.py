"""People hear of what went wrong, and of what did not happen, from the deployed functions."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.cloud import Cloud
from tests.emulator.alerts.mailbox import Mailbox, mailbox

SMALL = {"customers": 20, "orders": 30, "products": 10, "rows": 12}
OpenOrg = Callable[..., str]


@pytest.fixture
def merchant() -> Iterator[Mailbox]:
    """Where the org's alerts arrive."""
    with mailbox() as box:
        yield box


def test_the_watchdog_notifies_of_an_overdue_org_and_ends_a_run_that_hangs(
    cloud: Cloud, open_org: OpenOrg, merchant: Mailbox
) -> None:
    # Given an org whose last success was long ago, and a run that nobody works on
    org_id = open_org(**SMALL)
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    tenant = cloud.client.document(f"tenants/{org_id}")
    tenant.set({"alerts": {"urls": [merchant.url]}})
    cloud.client.document(f"tenants/{org_id}/integrations/pos").set({"lastSuccessAt": long_ago})
    run = cloud.client.document(f"tenants/{org_id}/sync_runs/hung")
    run.set({"state": "running", "trigger": "cron", "startedAt": long_ago})

    # When the watchdog is due, twice
    for _ in range(2):
        cloud.stack.publish("cron-tick", {"job": "watchdog"})
    cloud.wait("people are notified", lambda: len(merchant.messages) >= 2)

    # Then people are notified of both, once, and the run has ended
    expected = {"No successful sync for 2 hours", "A sync hung and was ended"}
    assert set(merchant.titles) == expected
    assert cloud.store.document(f"tenants/{org_id}/sync_runs/hung")["state"] == "failed"
    cloud.wait(
        "both are noted",
        lambda: all(
            i.get("sentAt") for i in cloud.store.documents(f"{tenant.path}/incidents").values()
        ),
    )
    assert len(merchant.messages) == 2


def test_an_org_with_a_wrong_password_is_paused_and_notified_once(
    cloud: Cloud, open_org: OpenOrg, merchant: Mailbox
) -> None:
    # Given an org with a wrong password
    org_id = open_org(**SMALL)
    cloud.client.document(f"tenants/{org_id}").set({"alerts": {"urls": [merchant.url]}})
    for location, document in cloud.store.documents("locations").items():
        if document["orgId"] == org_id:
            wrong = {"posConfig.password": "wrong"}
            cloud.client.document(f"locations/{location}").update(wrong)

    # When three runs are refused
    for number in range(1, 4):
        message = {"orgId": org_id, "runId": f"refused-{number}", "trigger": "cron"}
        cloud.stack.publish("pos-sync", message)
        path = f"tenants/{org_id}/sync_runs/refused-{number}"
        cloud.wait("the run ends", lambda p=path: cloud.store.document(p).get("endedAt"))  # type: ignore[misc]

    # Then it is paused, and the merchant knows
    status = cloud.store.document(f"tenants/{org_id}/integrations/pos")
    assert status["status"] == "paused"
    cloud.wait("people are notified", lambda: merchant.messages)
    assert merchant.titles == ["The sync is paused"]


def test_a_dry_run_writes_its_report_alone(cloud: Cloud, open_org: OpenOrg) -> None:
    # Given an org that was never synced
    org_id = open_org(**SMALL)

    # When a dry run is asked for
    asked = {"orgId": org_id, "runId": "dry", "trigger": "manual", "dryRun": True}
    cloud.stack.publish("pos-sync", asked)
    report = f"tenants/{org_id}/sync_reports/dry"
    cloud.wait("the report is there", lambda: cloud.store.document(report))

    # Then it says what a sync would create, and is all there is
    assert cloud.store.document(report)["streams"]["customers"]["created"] == 20
    tenant = cloud.client.document(f"tenants/{org_id}")
    assert [collection.id for collection in tenant.collections()] == ["sync_reports"]
