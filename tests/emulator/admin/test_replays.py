"""What failed for good is tried again by people, who must be allowed to."""

import json

import pytest
from google.cloud.firestore import Client

from shared.bus.events import Delivery
from shared.services.alerts import Alerts
from shared.services.dead_letters import RecordDeadLetter
from shared.services.reads.loyalty import LoyaltyReads
from shared.store import dead_letters
from shared.store.database import Database
from tests.emulator.admin.client import OPERATOR, AdminClient
from tests.emulator.environment import SyncRunner
from tests.emulator.functions import InProcess
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"


@pytest.fixture
def letter(database: Database, clock: OffsetClock) -> str:
    """The id of a sync that was given up."""
    dead_letters.record(
        database,
        "71",
        topic="org-sync-push",
        data=json.dumps({"orgId": ORG, "runId": "doomed", "trigger": "cron"}).encode(),
        code="delivery_attempts_exhausted",
        reason="not processed after 5 deliveries",
        now=clock.now(),
    )
    return "71"


def test_an_operator_sends_a_dead_letter_again(
    admin: AdminClient, functions: InProcess, store: StoredDocuments, letter: str
) -> None:
    assert admin.post("dead-letters/replay", by=OPERATOR, id=letter, orgId=None) == {
        "sent": 1,
        "left": {},
    }

    ((topic, text),) = functions.resent
    assert topic == "pos-sync"
    assert json.loads(text)["runId"] == "doomed-replay-71"
    assert store.document("dead_letters/71")["replayedAt"] is not None
    (action,) = admin.actions(orgId=ORG)
    assert (action["by"], action["target"]) == ("operator", "71")


def test_dead_letters_are_for_operators_alone(
    admin: AdminClient, functions: InProcess, letter: str
) -> None:
    assert admin.refusal("dead-letters/replay", id=letter)[:2] == (403, "not_allowed")
    assert admin.refusal("dead-letters/replay", by=OPERATOR, id="72", orgId=None)[:2] == (
        404,
        "not_found",
    )
    assert functions.resent == []


def test_what_never_succeeds_is_one_letter_however_often_it_is_sent_again(
    admin: AdminClient,
    functions: InProcess,
    database: Database,
    store: StoredDocuments,
    clock: OffsetClock,
    alerts: Alerts,
    letter: str,
) -> None:
    # Given a message that fails at every delivery
    record = RecordDeadLetter(database, alerts, clock.now)
    runs = []

    # When it is replayed again and again, and comes back each time, twice
    for number in range(3):
        admin.post("dead-letters/replay", by=OPERATOR, id=letter, orgId=None)
        _, text = functions.resent[-1]
        runs.append(json.loads(text)["runId"])
        back = Delivery(
            f"again-{number}",
            text.encode(),
            {"CloudPubSubDeadLetterSourceSubscription": "org-sync-push", "replayOf": letter},
        )
        record(back)
        record(back)
        letter = "71-returned"

    # Then what came back is one letter, which waits, and each replay was a run of its own
    assert set(store.documents("dead_letters")) == {"71", "71-returned"}
    returned = store.document("dead_letters/71-returned")
    assert (returned["returns"], returned["replayOf"]) == (3, "71")
    assert returned["replayedAt"] is None
    assert len(set(runs)) == 3


def test_a_letter_that_comes_late_a_second_time_does_not_wait_again(
    admin: AdminClient,
    functions: InProcess,
    database: Database,
    store: StoredDocuments,
    clock: OffsetClock,
    alerts: Alerts,
    letter: str,
) -> None:
    # Given a replay that has come back and was sent again
    record = RecordDeadLetter(database, alerts, clock.now)
    admin.post("dead-letters/replay", by=OPERATOR, id=letter, orgId=None)
    source = {"CloudPubSubDeadLetterSourceSubscription": "org-sync-push", "replayOf": letter}
    back = Delivery("again", functions.resent[-1][1].encode(), source)
    record(back)
    admin.post("dead-letters/replay", by=OPERATOR, id="71-returned", orgId=None)

    # When the same delivery comes once more
    record(back)

    # Then the letter stays replayed
    assert store.document("dead_letters/71-returned")["replayedAt"] is not None


def test_a_record_in_quarantine_is_asked_for_again(
    admin: AdminClient,
    store: StoredDocuments,
    pos: SimulatedPos,
    sync: SyncRunner,
) -> None:
    # Given an order that could not be read, and that is corrected
    order = next(o for o in pos.data(ORG)["orders"] if o["id_customer"])
    pos.change(ORG, "orders", order["id_order"], total="not a number")
    sync.run(ORG)
    key = f"orders_alleaves_{order['id_order']}"
    pos.change(ORG, "orders", order["id_order"], total=order["total"])

    # When the dispensary's manager has it asked for again
    assert admin.post("quarantine/replay", id=key) == {"sent": 1, "left": {}}
    admin.do_syncs()

    # Then it is stored
    assert store.documents(f"tenants/{ORG}/quarantine") == {}
    assert store.document(f"tenants/{ORG}/orders/alleaves_{order['id_order']}")


def test_points_that_somebody_has_looked_at_are_so_until_they_change(
    client: Client, admin: AdminClient, database: Database
) -> None:
    # Given a customer whose points differ from Alpine IQ's
    customer = client.document(f"tenants/{ORG}/customers/7")
    figures = {"pointsFromOrders": 475, "pointsFromAlpine": 300}
    customer.set(
        {
            **figures,
            "points": 300,
            "tierSource": "alpine_iq",
            "loyaltyReconciled": False,
            "loyaltyDiscrepancy": 175,
        }
    )
    reads = LoyaltyReads(database)
    assert reads.in_review(ORG)[0]["reviewed"] is None

    # When the manager has looked at them
    admin.post("loyalty/reviewed", customerId="7")

    # Then that is shown, until a figure changes
    reviewed = reads.in_review(ORG)[0]["reviewed"]
    assert reviewed is not None
    assert reviewed["by"] == "manager"
    customer.update({"pointsFromOrders": 480})
    assert reads.in_review(ORG)[0]["reviewed"] is None
    assert admin.refusal("loyalty/reviewed", customerId="8")[:2] == (404, "not_found")
