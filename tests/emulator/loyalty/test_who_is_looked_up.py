"""Everybody is looked up each night as far as the rate limit allows it, and what follows."""

from datetime import timedelta

from google.cloud.firestore import Client

from shared.store import loyalty_runs
from shared.store.database import Database
from tests.emulator.loyalty.api_client import LoyaltyApiClient
from tests.emulator.loyalty.runner import LoyaltyRunner
from tests.fakes import OffsetClock, RecordingNotifier
from tests.stored import StoredDocuments

ORG = "org_test"
MANY_MORE_DOLLARS = 1500.0


def spend_more(client: Client, store: StoredDocuments, loyalty: LoyaltyRunner) -> str:
    """One order gets dearer; the customer whose it is."""
    orders = store.documents(f"tenants/{ORG}/orders")
    order_id, order = next((i, o) for i, o in orders.items() if o["status"] == "completed")
    client.document(f"tenants/{ORG}/orders/{order_id}").update({"total": MANY_MORE_DOLLARS})
    loyalty.compute_spending(ORG, order["customerId"])
    customer_id: str = order["customerId"]
    return customer_id


def test_every_run_looks_everybody_up(loyalty: LoyaltyRunner) -> None:
    first, second = loyalty.reconcile(ORG), loyalty.reconcile(ORG)
    assert (first["counts"]["asked"], second["counts"]["asked"]) == (120, 120)
    assert len(loyalty.look_ups(ORG)) == 2 * loyalty.calls_of_one_pass(ORG)


def test_a_customer_whose_spending_changed_has_other_points(
    client: Client, store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given
    loyalty.reconcile(ORG)
    # When
    customer_id = spend_more(client, store, loyalty)
    run = loyalty.reconcile(ORG)
    # Then
    assert run["counts"]["asked"] == 120
    assert run["counts"]["updated"] == 1
    assert loyalty.points(ORG)[customer_id]["pointsFromOrders"] >= MANY_MORE_DOLLARS


def test_beyond_the_window_those_not_asked_about_for_longest_come_next_night(
    client: Client, database: Database, clock: OffsetClock, loyalty: LoyaltyRunner
) -> None:
    # Given 60 calls an hour, and a window of less than that
    limit = {"perSecond": None, "perMinute": None, "perHour": 60}
    client.document(f"tenants/{ORG}").update({"alpineIq.rateLimit": limit})
    for night in range(6):
        clock.later = timedelta(days=night)
        before = len(loyalty.look_ups(ORG))
        # When
        run = loyalty.reconcile(ORG, window=timedelta(minutes=50))
        # Then each night has its calls, ends without waiting for more, and leaves the rest
        assert (run["state"], loyalty.take_scheduled()) == ("succeeded", [])
        assert 40 <= len(loyalty.look_ups(ORG)) - before <= 60
        assert run["counts"]["asked"] + run["counts"]["postponed"] == 120
    # and in turn everybody is asked about
    points = loyalty.points(ORG)
    assert all(entry.is_known for _, entry in loyalty_runs.load_state(database, ORG).items())
    assert sum("pointsFromAlpine" in fields for fields in points.values()) == 24


def test_who_has_no_call_left_is_as_before(
    client: Client, store: StoredDocuments, clock: OffsetClock, loyalty: LoyaltyRunner
) -> None:
    # Given everybody's points
    loyalty.reconcile(ORG)
    before = store.documents(f"tenants/{ORG}/customers")
    # When the window of the next night is over before its first call
    clock.later = timedelta(days=1)
    run = loyalty.reconcile(ORG, window=timedelta(0))
    # Then nobody is looked up or written
    assert (run["state"], run["counts"]["postponed"]) == ("succeeded", 120)
    assert run["counts"]["updated"] == run["counts"]["unchanged"] == 0
    assert store.documents(f"tenants/{ORG}/customers") == before


def test_a_first_run_without_a_call_has_the_calculated_points(
    loyalty: LoyaltyRunner, api: LoyaltyApiClient
) -> None:
    # When
    run = loyalty.reconcile(ORG, window=timedelta(0))
    # Then
    assert (run["counts"]["postponed"], run["counts"]["updated"]) == (120, 120)
    for fields in loyalty.points(ORG).values():
        assert (fields["points"], fields["tierSource"]) == (
            fields["pointsFromOrders"],
            "calculated",
        )
    customer_id = next(iter(loyalty.points(ORG)))
    assert api.get("sync", customerId=customer_id)["reconciliation"]["alpineIq"] == "not_asked"
    # and all have their turn as soon as there are calls
    assert loyalty.reconcile(ORG)["counts"]["found"] == 24


def test_a_new_customer_has_points_and_one_who_is_gone_is_forgotten(
    client: Client, store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given
    loyalty.reconcile(ORG)
    gone = next(iter(store.documents(f"tenants/{ORG}/customers")))
    # When
    client.document(f"tenants/{ORG}/customers/{gone}").delete()
    for new_id in ("new-1", "new-2"):
        plain = {"id": new_id, "email": "new@example.com", "orgId": ORG}
        client.document(f"tenants/{ORG}/customers/{new_id}").set(plain)
    run = loyalty.reconcile(ORG)
    # Then
    assert run["counts"]["asked"] == 121
    assert loyalty.points(ORG)["new-1"]["points"] == 0
    assert not store.document(f"tenants/{ORG}/customers/{gone}")


def test_as_many_gone_as_new_are_seen_the_night_after(
    client: Client, store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given
    loyalty.reconcile(ORG)
    gone = next(iter(store.documents(f"tenants/{ORG}/customers")))
    # When the number of customers stays the same
    client.document(f"tenants/{ORG}/customers/{gone}").delete()
    plain = {"id": "new-1", "email": "new@example.com", "orgId": ORG}
    client.document(f"tenants/{ORG}/customers/new-1").set(plain)
    loyalty.reconcile(ORG)
    loyalty.reconcile(ORG)
    # Then
    assert loyalty.points(ORG)["new-1"]["points"] == 0


def test_named_customers_are_looked_up_and_nobody_else(
    store: StoredDocuments, loyalty: LoyaltyRunner
) -> None:
    # Given
    loyalty.reconcile(ORG)
    ids = tuple(list(store.documents(f"tenants/{ORG}/customers"))[:3])
    # When: one of them does not exist
    run = loyalty.reconcile(ORG, customer_ids=(*ids, "nobody"))
    # Then
    assert run["counts"]["asked"] == 3
    assert not store.document(f"tenants/{ORG}/customers/nobody")


def test_a_change_at_alpine_iq_is_seen_the_next_night_and_notified_once(
    clock: OffsetClock, notifier: RecordingNotifier, loyalty: LoyaltyRunner
) -> None:
    # Given 3 differences that people have been notified of
    loyalty.reconcile(ORG)
    assert len(notifier.bodies) == 1
    contact = next(c for c in loyalty.alpine(ORG).contacts if c["loyaltyPoints"] < 10)
    # When a fourth customer is given points at Alpine IQ
    account = loyalty.alpine(ORG)
    account.contacts.change(contact["contactID"], {"loyaltyPoints": 5000})
    for day in range(1, 3):
        clock.later = timedelta(days=day)
        loyalty.reconcile(ORG)
        assert len(notifier.bodies) == 2
    # Then only that one is notified
    assert notifier.bodies[1].count("Customer ") == 1
    assert "5000 at Alpine IQ" in notifier.bodies[1]
    assert "In review altogether: 4" in notifier.bodies[1]


def test_when_all_figures_agree_the_incident_is_over(
    store: StoredDocuments, notifier: RecordingNotifier, loyalty: LoyaltyRunner
) -> None:
    # Given
    loyalty.reconcile(ORG)
    (incident,) = store.documents(f"tenants/{ORG}/incidents").values()
    assert incident["state"] == "open"
    # When Alpine IQ's figures are put right
    for fields in loyalty.points(ORG).values():
        if fields["tierSource"] == "alpine_iq":
            right = {"loyaltyPoints": fields["pointsFromOrders"]}
            account = loyalty.alpine(ORG)
            account.contacts.change(fields["alpineUserId"], right)
    loyalty.reconcile(ORG)
    # Then
    (incident,) = store.documents(f"tenants/{ORG}/incidents").values()
    assert incident["state"] == "resolved"
    assert len(notifier.bodies) == 1
