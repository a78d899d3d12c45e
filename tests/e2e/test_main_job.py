"""The main job through every part as deployed: emulators, push subscriptions, real processes."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from deploy.local.paths import within_clone
from deploy.local.simulator.truth import Truth
from tests.e2e.cloud import Cloud

SMALL = {"customers": 40, "orders": 60, "products": 20, "rows": 22}
OpenOrg = Callable[..., str]


def ended(cloud: Cloud, org_id: str, count: int = 1) -> bool:
    states = [run["state"] for run in cloud.store.runs(org_id).values()]
    return len(states) >= count and not {"running", "queued"} & set(states)


def agrees(cloud: Cloud, org_id: str) -> bool:
    truth = Truth(cloud.pos.data(org_id), "America/New_York")
    now = datetime.now(UTC)
    customers = cloud.store.documents(f"tenants/{org_id}/customers")
    return customers.keys() == {str(customer) for customer in truth.figures} and all(
        Decimal(str(customers[str(customer)].get("totalSpent", -1))) == figures.spent
        and customers[str(customer)].get("segment") == figures.segment(now)
        for customer, figures in truth.figures.items()
    )


def test_a_tick_syncs_every_org_from_whatever_server_its_location_names(
    cloud: Cloud, open_org: OpenOrg
) -> None:
    # Given two orgs at a server that the local cloud knows nothing of
    orgs = [open_org(**SMALL), open_org(**SMALL)]

    # When the scheduler ticks
    cloud.stack.publish("cron-tick", {"job": "pos-sync"})

    # Then both are synced, and each customer's spending is that of the POS's own data
    for org_id in orgs:
        cloud.wait(f"{org_id} is synced", lambda org=org_id: ended(cloud, org))  # type: ignore[misc]
        cloud.wait(f"spending of {org_id}", lambda org=org_id: agrees(cloud, org))  # type: ignore[misc]
        status = cloud.store.document(f"tenants/{org_id}/integrations/pos")
        assert (status["status"], status["customersCount"]) == ("active", 40)
        assert status["ordersCount"] + status["ordersSkipped"] == 60


def test_a_message_delivered_three_times_is_one_run(cloud: Cloud, open_org: OpenOrg) -> None:
    org_id = open_org(**SMALL)
    message = {"orgId": org_id, "runId": "thrice", "trigger": "cron"}

    for _ in range(3):
        cloud.stack.publish("pos-sync", message)

    cloud.wait("the run ends", lambda: ended(cloud, org_id))
    cloud.wait("spending follows", lambda: agrees(cloud, org_id))
    assert [run["state"] for run in cloud.store.runs(org_id).values()] == ["succeeded"]


def test_a_run_whose_process_is_killed_is_taken_up_by_the_next_delivery(
    cloud: Cloud, open_org: OpenOrg
) -> None:
    # Given a run that takes a while
    org_id = open_org(customers=400, orders=500, products=20, rows=22)
    cloud.pos.fault("latency", ms=400, org=org_id)
    cloud.stack.publish("pos-sync", {"orgId": org_id, "runId": "killed", "trigger": "cron"})
    cloud.wait("the run is under way", lambda: cloud.store.runs(org_id).values())

    # When its process is killed in the middle
    cloud.stack.kill("org_sync")
    cloud.pos.clear_faults()

    # Then the same run ends well, everything is there, and the lease is free
    cloud.wait("the run ends", lambda: ended(cloud, org_id))
    cloud.wait("spending follows", lambda: agrees(cloud, org_id))
    run = cloud.store.document(f"tenants/{org_id}/sync_runs/killed")
    assert (run["state"], run["invocations"]) == ("succeeded", 2)
    assert cloud.store.document(f"tenants/{org_id}/sync_state/lease").get("runId") is None


def test_a_message_nobody_can_read_is_recorded_and_not_delivered_again(cloud: Cloud) -> None:
    message_id = cloud.stack.publish("pos-sync", {"orgId": "a/b", "trigger": "boredom"})

    path = f"dead_letters/{message_id}"
    cloud.wait("the message is recorded", lambda: cloud.store.document(path))
    kept = cloud.store.document(path)
    assert kept["errorCode"] == "invalid_message"
    assert "runId" in kept["message"]
    assert "boredom" in kept["data"]


def test_a_message_that_fails_at_every_delivery_ends_its_run_and_says_so(
    cloud: Cloud, open_org: OpenOrg
) -> None:
    # Given an org whose manifest was damaged, which nobody foresaw
    org_id = open_org(**SMALL)
    manifest = cloud.client.document(f"tenants/{org_id}/sync_manifests/orders-0")
    manifest.set({"entries": b"\xc1 no manifest", "count": 1})

    # When a run is asked for
    cloud.stack.publish("pos-sync", {"orgId": org_id, "runId": "doomed", "trigger": "cron"})

    # Then the first delivery says why
    run = f"tenants/{org_id}/sync_runs/doomed"
    cloud.wait("the cause is told", lambda: "lastError" in cloud.store.status(org_id))
    assert cloud.store.status(org_id)["lastErrorCode"] == "internal"
    assert cloud.store.document(run)["state"] == "running"

    # and after five it is a dead letter, and the status says whose turn it is
    cloud.wait("the run is given up", lambda: cloud.store.document(run).get("state") == "failed")
    assert cloud.store.status(org_id)["lastErrorOwner"] == "us"
    letters = cloud.store.documents("dead_letters").values()
    (letter,) = [each for each in letters if "doomed" in each["data"]]
    assert letter["cause"]["message"] in cloud.store.status(org_id)["lastError"]


def test_a_secret_of_this_machine_signs_in(cloud: Cloud, open_org: OpenOrg) -> None:
    # Given settings that name a secret which this machine does not have
    org_id = open_org(**SMALL)
    location = cloud.client.document(f"locations/{org_id}-1000")
    password = (location.get().to_dict() or {})["posConfig"]["password"]
    location.update({"posConfig.password": f"secret:pos-{org_id}-password"})
    tick = {"job": "pos-sync", "orgId": org_id}

    # When the org is ticked, then it is told how to put the secret there
    cloud.stack.publish("cron-tick", tick)
    cloud.wait("the secret is missed", lambda: "lastError" in cloud.store.status(org_id))
    status = cloud.store.status(org_id)
    assert (status["lastErrorCode"], status["lastErrorOwner"]) == ("configuration_invalid", "org")
    file = cloud.stack.secret_files / f"pos-{org_id}-password"
    assert f"printf %s 'THE SECRET' > {within_clone(file)}" in status["lastError"]

    # When that is done, the next tick syncs it
    file.write_text(password)
    cloud.stack.publish("cron-tick", tick)
    cloud.wait("it is synced", lambda: cloud.store.status(org_id)["status"] == "active")
    assert "lastError" not in cloud.store.status(org_id)
