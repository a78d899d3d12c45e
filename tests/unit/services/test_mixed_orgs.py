"""An org with locations of two providers: one after the other, neither touches the other's."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from shared.bus.messages import PosSync
from shared.clock import OutOfTime
from shared.domain.providers import Provider
from shared.errors import (
    ConfigurationInvalid,
    CredentialsRejected,
    ProviderUnreachable,
    RequestInvalid,
    RetryLater,
)
from shared.pos.config import Location
from shared.pos.port import PosEvent, Rejected
from shared.pos.registry import PosAccount
from shared.services.admin.audit import Actor
from shared.services.dead_letters import ReplayQuarantine
from shared.services.sync.commands import SyncOrg
from shared.services.sync.pos_locations import active_locations
from shared.services.webhooks import ReceiveWebhook
from shared.services.write_back import OpenWriteBack
from shared.store import inventory, paths
from shared.store.database import Write
from tests.fake_pos import vapes_off
from tests.unit.services.mixed_org import ORG, UUID, MixedOrg

ACTOR = Actor("u1")
BOTH = ("alleaves", "lightspeed")
OTHER = {"alleaves": "lightspeed", "lightspeed": "alleaves"}
LABEL = {"alleaves": "Alleaves", "lightspeed": "Lightspeed"}


def down(call: str) -> None:
    raise ProviderUnreachable("the POS does not answer")


def refusing(call: str) -> None:
    raise CredentialsRejected("the POS does not accept the sign-in")


def answering(call: str) -> None: ...


def ids(org: MixedOrg, provider: str) -> dict[str, set[str]]:
    """Ids of what a provider has."""
    pos = org.pos[provider]
    return {"customers": pos.customer_ids, "orders": pos.order_ids, "products": pos.product_ids}


def stored(org: MixedOrg) -> dict[str, set[str]]:
    return {kind: set(org.stored(kind)) for kind in ("customers", "orders", "products")}


def both(org: MixedOrg) -> dict[str, set[str]]:
    one, other = (ids(org, provider) for provider in BOTH)
    return {kind: one[kind] | other[kind] for kind in one}


def test_what_both_providers_have_is_stored_and_counted() -> None:
    org = MixedOrg()
    run = org.run()
    assert (run["state"], stored(org)) == ("succeeded", both(org))
    assert {name: tally["fetched"] for name, tally in run["streams"].items()} == {
        "customers": 6,
        "orders": 6,
        "products": 6,
        "discounts": 0,
        "metadata": 6,
    }
    status = org.status
    assert (status["status"], status["provider"]) == ("active", "alleaves")
    assert (status["customersCount"], status["ordersCount"]) == (6, 6)
    assert status["menuProductsCount"] == 6
    assert [(p["provider"], p["status"], p["ordersCount"]) for p in status["providers"]] == [
        ("alleaves", "active", 3),
        ("lightspeed", "active", 3),
    ]
    assert status["lastSuccessAt"] == status["lastSyncAt"]


@pytest.mark.parametrize("failing", BOTH)
def test_with_one_provider_down_the_other_is_synced_and_the_status_says_which(
    failing: str,
) -> None:
    # Given an org that was synced, and news at both
    org = MixedOrg()
    org.run()
    org.clock.advance(timedelta(minutes=30))
    for number, provider in ((7, "alleaves"), (8, "lightspeed")):
        org.pos[provider].sell(number, f"new-{provider}", f"item-{provider}", org.clock.now())
    well, before = OTHER[failing], stored(org)

    # When one is down
    org.pos[failing].fail = down
    run = org.run()

    # Then what is new at the other is stored, and nothing of the first is gone
    assert run["state"] == "partial"
    assert {error["provider"] for error in run["errors"]} == {failing}
    expected = {kind: before[kind] | ids(org, well)[kind] for kind in before}
    assert stored(org) == expected
    # and the status says which
    status = org.status
    assert (status["status"], status["lastErrorOwner"]) == ("error", "provider")
    assert status["lastError"].startswith(f"{LABEL[failing]}: The POS does not answer")
    assert LABEL[well] not in status["lastError"]
    assert {p["provider"]: p["status"] for p in status["providers"]} == {
        failing: "error",
        well: "active",
    }
    assert status["customersCount"] == 7

    # When it answers again
    org.pos[failing].fail = answering

    # Then all is well
    assert (org.run()["state"], stored(org)) == ("succeeded", both(org))
    assert (org.status["status"], "lastError" in org.status) == ("active", False)


def test_with_both_down_the_status_names_both() -> None:
    org = MixedOrg()
    for pos in org.pos.values():
        pos.fail = down
    assert org.run()["state"] == "failed"
    assert "Alleaves and Lightspeed: The POS does not answer" in org.status["lastError"]
    assert "lastSuccessAt" not in org.status


@pytest.mark.parametrize("failing", BOTH)
def test_settings_of_one_location_that_are_wrong_leave_the_other_provider_going(
    failing: str,
) -> None:
    org = MixedOrg()
    org.configure(failing, locationId=["no", "text"])
    run = org.run()
    assert run["state"] == "partial"
    assert stored(org) == ids(org, OTHER[failing])
    assert org.status["lastError"].startswith(f"{LABEL[failing]}: The POS settings of location")
    assert org.status["lastErrorOwner"] == "org"


def test_a_location_of_an_unknown_provider_may_be_of_either_and_stops_both() -> None:
    org = MixedOrg()
    org.run()
    before = org.records()
    org.database.put(
        "locations/third", {"orgId": ORG, "posConfig": {"provider": "abacus", "status": "active"}}
    )
    assert org.run()["state"] == "failed"
    assert org.records() == before
    assert org.status["lastError"].startswith("Alleaves and Lightspeed: The POS settings of")
    assert org.status["customersCount"] == 6


def test_an_unchanged_org_writes_no_record() -> None:
    org = MixedOrg()
    org.run()
    before = org.records()
    org.clock.advance(timedelta(minutes=30))
    run = org.run()
    assert (run["state"], org.records()) == ("succeeded", before)
    assert (run["cost"]["reads"], run["cost"]["writes"]) == (22, 9)


@pytest.mark.parametrize("provider", BOTH)
def test_an_org_of_one_provider_costs_thirteen_reads_and_six_writes(provider: str) -> None:
    org = MixedOrg(provider)
    org.run()
    org.clock.advance(timedelta(minutes=30))
    run = org.run()
    assert (run["state"], stored(org)) == ("succeeded", ids(org, provider))
    assert (run["cost"]["reads"], run["cost"]["writes"]) == (13, 6)
    assert org.status["provider"] == provider
    assert "providers" not in org.status


def test_what_one_provider_has_no_more_is_removed_and_nothing_of_the_other() -> None:
    # Given twenty products at both
    org = MixedOrg()
    for number in range(20):
        org.pos["alleaves"].add_product(str(500 + number))
        org.pos["lightspeed"].add_product(UUID.format(500 + number))
    org.run()

    # When one of the one is gone, and half of the other's
    org.pos["alleaves"].drop_product("501")
    for number in range(10):
        org.pos["lightspeed"].drop_product(UUID.format(500 + number))
    run = org.run()

    # Then the one is removed, the others wait for a person
    gone = {UUID.format(500 + number) for number in range(10)}
    assert set(org.stored("products")) == both(org)["products"] | gone
    assert (run["state"], run["deletionsHeld"]) == ("held", 10)
    assert org.status["status"] == "held"
    assert org.status["lastError"].startswith("Lightspeed: 10 ")
    assert [p["status"] for p in org.status["providers"]] == ["active", "held"]
    incidents = org.database.collection(f"{paths.tenant(ORG)}/incidents")
    assert set(incidents) == {"removal_held_lightspeed"}
    assert org.notifier.titles == ["A removal of products waits for a decision at Lightspeed"]

    # and a run in which the other provider's products are whole does not resolve that
    org.run(provider="alleaves")
    assert not org.database.fields(paths.incident(ORG, "removal_held_lightspeed")).get("resolvedAt")
    assert org.status["status"] == "held"

    # When a person allows it
    org.run(allow_deletions=True)

    # Then it is done
    assert set(org.stored("products")) == both(org)["products"]
    assert org.status["status"] == "active"


def test_a_discount_of_one_provider_puts_nothing_of_the_other_on_sale() -> None:
    # Given products of one category at both, and a discount of that category at one
    org = MixedOrg()
    ends = org.clock.now() + timedelta(hours=1)
    org.pos["alleaves"].on_sale = [vapes_off(1, ends)]

    # When the org is synced
    org.run()

    # and its products once more, by the discounts that are stored
    org.pos["lightspeed"].add_product(UUID.format(555))
    org.run(streams=("products",))

    # Then only the products of that one are on sale
    on_sale = {key for key, each in org.stored("products").items() if each["isOnSale"]}
    assert on_sale == org.pos["alleaves"].product_ids

    # When the discount ends between two syncs
    (message,) = org.later.take()
    assert isinstance(message, PosSync)
    assert message.provider == "alleaves"
    org.clock.advance(timedelta(hours=1, minutes=1))
    org.deliver(message)

    # Then the sales end, and the other's products are not written
    assert not any(each["isOnSale"] for each in org.stored("products").values())
    assert set(org.stored("products")) == both(org)["products"]


def test_metadata_documents_hold_the_names_of_both() -> None:
    org = MixedOrg()
    org.run()
    brands, places = (org.stored("metadata")[kind] for kind in ("brands", "location"))
    assert brands["items"] == [
        {"id": "1", "name": "brands of alleaves"},
        {"id": "1", "name": "brands of lightspeed", "provider": "lightspeed"},
    ]
    assert [each["id"] for each in places["items"]] == ["1000", UUID.format(1000)]
    assert (places["id"], places["name"]) == ("1000", "Shop of alleaves")


@pytest.mark.parametrize("provider", BOTH)
def test_an_order_is_never_matched_to_a_customer_of_the_other_provider(provider: str) -> None:
    # Given somebody who is a customer at the one provider
    org = MixedOrg()
    org.pos[provider].add_customer("known", email="ada@shop.test")
    org.run()

    # When the other has an order with that e-mail alone, asked for by a webhook
    other = OTHER[provider]
    walk_in = replace(
        org.pos[other].any_order(),
        external_id="walk-in",
        pos_customer_id=None,
        email="ada@shop.test",
    )
    org.pos[other].add_order(walk_in)
    org.deliver(named(other, order_ids=("walk-in",)))

    # Then it is skipped, as a sync of all orders would
    assert walk_in.id not in org.stored("orders")
    assert walk_in.id in org.stored("skipped_orders")


def test_refused_credentials_pause_that_provider_alone() -> None:
    # Given a provider that refuses the credentials three times running
    org = MixedOrg()
    org.run()
    org.pos["lightspeed"].fail = refusing
    for _ in range(3):
        org.clock.advance(timedelta(minutes=30))
        org.run()

    # Then people are told once, and the status names it
    assert org.notifier.titles == ["The sync is paused at Lightspeed"]
    assert org.status["status"] == "error"
    assert org.status["lastErrorCode"] == "sync_paused"
    assert "token" in org.status["lastError"]
    assert [p["status"] for p in org.status["providers"]] == ["active", "paused"]

    # When the next run is due
    org.pos["lightspeed"].calls.clear()
    org.pos["alleaves"].sell(9, "9", "109", org.clock.now())
    org.clock.advance(timedelta(minutes=30))
    run = org.run()

    # Then only the other is asked, and the org is not overdue
    assert not org.pos["lightspeed"].calls
    assert "9" in org.stored("customers")
    assert run["state"] == "partial"
    assert org.status["lastSuccessAt"] == org.status["lastSyncAt"]
    assert org.status["lastErrorCode"] == "sync_paused"

    # When a day has passed, and the credentials are right again
    org.pos["lightspeed"].fail = answering
    org.clock.advance(timedelta(days=1))

    # Then it goes on by itself
    assert org.run()["state"] == "succeeded"
    assert org.status["status"] == "active"
    assert org.database.fields(paths.incident(ORG, "sync_paused_lightspeed")).get("resolvedAt")


def test_an_org_whose_providers_all_refuse_is_paused() -> None:
    org = MixedOrg()
    for pos in org.pos.values():
        pos.fail = refusing
    for _ in range(3):
        org.run()
        org.clock.advance(timedelta(minutes=30))
    assert org.status["status"] == "paused"
    for pos in org.pos.values():
        pos.calls.clear()
    org.run()
    assert not any(pos.calls for pos in org.pos.values())

    # A person who asks gets a run at once, and what is right again goes on
    org.pos["alleaves"].fail = answering
    org.run(trigger="manual")
    assert org.status["status"] == "error"
    assert [p["status"] for p in org.status["providers"]] == ["active", "paused"]


def test_a_continuation_goes_on_with_the_second_provider() -> None:
    # Given a run whose time is up in the second provider's orders
    org = MixedOrg()

    def late(call: str) -> None:
        if call == "orders":
            org.pos["lightspeed"].fail = answering
            raise OutOfTime

    org.pos["lightspeed"].fail = late

    # When it ends, with its continuation
    run = org.run()

    # Then nothing was asked of the first a second time, and both are whole and counted once
    assert (run["state"], run["invocations"]) == ("succeeded", 2)
    assert org.pos["alleaves"].calls["customers"] == 1
    assert stored(org) == both(org)
    assert run["streams"]["customers"]["fetched"] == 6
    assert run["providers"]["alleaves"]["streams"]["customers"]["fetched"] == 3
    assert org.status["customersCount"] == 6
    assert [p["customersCount"] for p in org.status["providers"]] == [3, 3]


def test_a_run_that_has_no_time_left_for_the_second_provider_leaves_it_to_a_continuation() -> None:
    org = MixedOrg()
    org.pos["lightspeed"].fail = answering
    run = org.run(seconds=0)
    assert (run["state"], stored(org)) == ("succeeded", both(org))
    assert run["invocations"] >= 2


def kill_before(org: MixedOrg, path: str) -> None:
    """Have the worker die before it writes a document: it writes nothing more at all."""
    died: list[bool] = []

    def dying(writes: Sequence[Write]) -> None:
        if died or any(write.path == path for write in writes):
            died.append(True)
            raise ConnectionError("the worker's instance is gone")

    org.database.before_commit = dying


def revive(org: MixedOrg, *, late: bool) -> None:
    """Workers write again; ``late``: once the lease of the dead one has expired."""
    org.database.before_commit = lambda writes: None
    path = paths.lease(ORG)
    if late:
        expired = org.clock.now() - timedelta(days=365)
        org.database.put(path, org.database.fields(path) | {"expiresAt": expired})


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize("webhook_first", [False, True])
def test_what_a_killed_worker_left_unsettled_is_put_right_whoever_comes_next(
    provider: str, *, webhook_first: bool
) -> None:
    # Given an order that changed, and a worker that died when it had stored it, and no more
    org = MixedOrg()
    pos = org.pos[provider]
    order = replace(pos.any_order(), external_id="new", created_at=org.clock.now())
    pos.add_order(order)
    org.run()
    org.clock.advance(timedelta(minutes=30))
    pos.add_order(replace(order, total_cents=77_700))
    kill_before(org, paths.progress(ORG, provider))
    with pytest.raises(ConnectionError):
        org.service()(SyncOrg(ORG, "doomed", "cron"))
    assert org.stored("orders")[order.id]["total"] == 777

    # When the POS takes the change back, and a run of the other provider may come first
    pos.add_order(order)
    revive(org, late=True)
    if webhook_first:
        other = OTHER[provider]
        org.deliver(named(other, customer_ids=(min(org.pos[other].customer_ids),)))
    run = org.run()

    # Then the order is stored as the POS has it
    assert run["state"] == "succeeded"
    assert org.stored("orders")[order.id]["total"] == order.total_cents / 100
    assert stored(org) == both(org)
    assert org.run_document("doomed")["error"]["code"] == "run_abandoned"


def test_a_run_whose_worker_died_at_the_second_provider_asks_nothing_of_the_first_again() -> None:
    org = MixedOrg()
    kill_before(org, paths.progress(ORG, "lightspeed"))
    command = SyncOrg(ORG, "monday", "cron")
    with pytest.raises(ConnectionError):
        org.service()(command)
    org.pos["alleaves"].calls.clear()
    kept = org.database.documents[paths.progress(ORG, "alleaves")]
    revive(org, late=True)
    org.service()(command)
    run = org.run_document("monday")
    assert (run["state"], run.get("tries", 0)) == ("succeeded", 0)
    assert not org.pos["alleaves"].calls
    assert org.database.documents[paths.progress(ORG, "alleaves")] == kept
    assert stored(org) == both(org)
    assert org.status["customersCount"] == 6


def named(provider: str, **record_ids: tuple[str, ...]) -> PosSync:
    """A request for records of a provider."""
    return PosSync.parse(
        {
            "orgId": ORG,
            "runId": f"webhook-{provider}",
            "trigger": "webhook",
            "provider": provider,
            **{to_camel(name): ids for name, ids in record_ids.items()},
        }
    )


def receive(org: MixedOrg, provider: Provider, customer_id: str) -> None:
    """A webhook about a customer."""
    event = PosEvent("customer.updated", id=customer_id, customer_ids=(customer_id,))
    receiver = ReceiveWebhook(
        provider, lambda body: event, org.database, org.pos_sync, org.clock.now
    )
    receiver(ORG, b"{}")


def events(org: MixedOrg) -> dict[str, str]:
    """The state of each event, by the provider that sent it."""
    found = org.database.collection(paths.webhook_events(ORG))
    return {each["provider"]: each["state"] for each in found.values()}


def test_a_webhook_is_processed_by_a_run_of_its_provider() -> None:
    # Given webhooks of both providers about customers who are new
    org = MixedOrg()
    org.run()
    org.pos["alleaves"].add_customer("77")
    org.pos["lightspeed"].add_customer(UUID.format(77))
    receive(org, "alleaves", "77")
    receive(org, "lightspeed", UUID.format(77))
    first, _ = (message for message in org.pos_sync.take() if isinstance(message, PosSync))
    for pos in org.pos.values():
        pos.calls.clear()

    # When the message of the one is processed
    org.deliver(first)

    # Then that provider alone was asked, and the other's event is asked for
    assert events(org) == {"alleaves": "done", "lightspeed": "waiting"}
    assert not org.pos["lightspeed"].calls
    (again,) = org.pos_sync.take()
    assert isinstance(again, PosSync)
    assert (again.provider, again.customer_ids) == ("lightspeed", (UUID.format(77),))
    org.deliver(again)
    assert events(org) == {"alleaves": "done", "lightspeed": "done"}
    assert stored(org) == both(org)
    assert org.pos_sync.take() == []


def test_webhooks_of_a_provider_that_is_down_are_asked_for_again_only_once_by_others() -> None:
    # Given a webhook of a provider that is down, whose message is to be delivered again
    org = MixedOrg()
    org.run()
    org.pos["alleaves"].fail = down
    receive(org, "alleaves", "1")
    (message,) = org.pos_sync.take()
    assert isinstance(message, PosSync)
    with pytest.raises(RetryLater):
        org.deliver(message)

    # When webhooks of the other come
    for number in (1, 2, 3):
        receive(org, "lightspeed", UUID.format(number))
        for each in org.pos_sync.take():
            assert isinstance(each, PosSync)
            org.deliver(each)
            assert org.pos_sync.take() == []

    # Then these are processed, the first waits for its own message
    assert events(org) == {"alleaves": "waiting", "lightspeed": "done"}


def test_records_that_a_message_of_before_names_are_those_of_alleaves() -> None:
    org = MixedOrg()
    org.run()
    org.pos["alleaves"].add_customer("88")
    org.deliver(PosSync(org_id=ORG, run_id="webhook-old", trigger="webhook", customer_ids=("88",)))
    assert "88" in org.stored("customers")


def test_records_that_a_message_of_before_names_are_those_of_the_only_provider() -> None:
    org = MixedOrg("lightspeed")
    org.run()
    wanted = UUID.format(88)
    org.pos["lightspeed"].add_customer(wanted)
    org.deliver(
        PosSync(org_id=ORG, run_id="webhook-old", trigger="webhook", customer_ids=(wanted,))
    )
    assert wanted in org.stored("customers")


def test_a_dry_run_reports_both_and_writes_nothing_else() -> None:
    org = MixedOrg()
    org.deliver(PosSync(org_id=ORG, run_id="look", trigger="manual", dry_run=True))
    report = org.database.fields(paths.sync_report(ORG, "look"))
    assert (report["complete"], report["state"]) == (True, "succeeded")
    assert report["streams"]["orders"]["created"] == 6
    assert report["streams"]["orders"]["fetched"] == 6
    assert org.records() == {}


def test_nothing_is_written_to_a_location_at_lightspeed() -> None:
    # Given an org with a location at each
    org = MixedOrg()

    def account(location: Location) -> PosAccount:
        client: Any = org.open_pos(location)
        return PosAccount(client, client)

    opened = OpenWriteBack(org.database, account, org.pos_sync, org.clock.now)

    # Then that at Alleaves is meant where none is named
    assert opened(ORG, None, ACTOR).location.id == "alleaves-shop"
    # and the other is refused, in words
    with pytest.raises(RequestInvalid, match="is Lightspeed: nothing is written there"):
        opened(ORG, "lightspeed-shop", ACTOR)


def test_in_an_org_at_lightspeed_alone_nothing_is_written() -> None:
    org = MixedOrg("lightspeed")
    client: Any = org.pos["lightspeed"]
    account = PosAccount(client, client)
    opened = OpenWriteBack(org.database, lambda _: account, org.pos_sync, org.clock.now)
    with pytest.raises(RequestInvalid, match="nothing is written there"):
        opened(ORG, None, ACTOR)


def test_a_record_in_quarantine_is_asked_of_its_provider_again() -> None:
    # Given an unreadable order at each
    org = MixedOrg()
    for provider, pos in org.pos.items():
        raw = Rejected(f"{provider}_b-1", "bad_money", "The total is no number.", "{}")
        pos.unreadable_orders.append(raw)
    org.run()
    assert org.status["quarantined"] == 2

    # When they are replayed
    ReplayQuarantine(org.database, org.pos_sync.publish, org.clock.now)(ORG, None, 10)

    # Then each provider is asked for its own
    messages = [each for each in org.pos_sync.take() if isinstance(each, PosSync)]
    assert {(each.provider, each.order_ids) for each in messages} == {
        ("alleaves", ("b-1",)),
        ("lightspeed", ("b-1",)),
    }


@pytest.mark.parametrize("wrong", BOTH)
def test_a_sync_may_be_asked_for_where_any_provider_can_be_synced(wrong: str) -> None:
    org = MixedOrg()
    org.configure(wrong, locationId=["no", "text"])
    (location,) = active_locations(org.database, ORG)
    assert location.pos_config.provider == OTHER[wrong]
    with pytest.raises(ConfigurationInvalid):
        active_locations(org.database, ORG, needed=wrong)
    org.configure(OTHER[wrong], locationId=["no", "text"])
    with pytest.raises(ConfigurationInvalid):
        active_locations(org.database, ORG)


def test_batches_of_both_are_read() -> None:
    org = MixedOrg()
    org.run()
    found = {batch.item_id for batch in inventory.load_all_batches(org.database, ORG)}
    assert found == both(org)["products"]
