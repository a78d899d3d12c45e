"""No phone number, e-mail, name or key in any log line."""

import base64
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from cloudevents.http import CloudEvent
from google.cloud.firestore import Client
from werkzeug.exceptions import InternalServerError

from shared import log
from shared.bus.messages import Loyalty
from shared.entry import MessageConsumer
from shared.store.database import Database, Document
from tests.emulator.loyalty.api_client import LoyaltyApiClient
from tests.emulator.loyalty.runner import LoyaltyRunner
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos

ORG = "org_test"


def test_no_log_line_identifies_a_customer(
    client: Client,
    database: Database,
    pos: SimulatedPos,
    clock: OffsetClock,
    loyalty: LoyaltyRunner,
    api: LoyaltyApiClient,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # As in a function, but at the level that logs most; the libraries' lines too.
    log.configure("DEBUG")
    with caplog.at_level(logging.DEBUG):
        # Given a run that meets faults of every kind
        for place, kind in enumerate(("server_error", "truncated_json", "rate_limited")):
            pos.fault(kind, endpoint="wallet", after=10 * place, count=6)
        pos.fault("timeout", endpoint="wallet", seconds=2.5, after=60, count=2)
        loyalty.reconcile(ORG)
        # and one that fails as nobody foresaw, as its function logs it
        pos.fault("unauthorized", endpoint="wallet")
        loyalty.reconcile(ORG)
        fail_unforeseen(client, database, clock, loyalty)
        # and look-ups by a person, found and not found
        contact = next(c for c in loyalty.alpine(ORG).contacts if c["mobilePhone"])
        api.get("points", phone=contact["mobilePhone"])
        pos.clear_faults()
        api.get("points", phone=contact["mobilePhone"])
        api.client.get(f"/api/loyalty/points?orgId={ORG}&email=nobody.known@example.com")
        api.get("report")

    # When everything that was logged is read
    lines = [*capsys.readouterr().out.splitlines(), *caplog.text.splitlines()]

    # Then there is much of it, and nobody in it
    assert sum("outside_call_retried" in line for line in lines) > 5
    assert any("message_failed" in line for line in lines)
    secrets = ["aiq-", "nobody.known"]
    for customer in pos.data(ORG)["customers"]:
        digits = re.sub(r"\D", "", customer["phone"] or "")[-10:]
        secrets += [digits, customer["phone"], (customer["email"] or "").lower()]
    wanted = {secret for secret in secrets if secret}
    leaked = [(secret, line) for line in lines for secret in wanted if secret in line.lower()]
    assert leaked == []
    assert not any(re.search(r"[\w.]+@example\.(com|org)", line) for line in lines)


class Broken(Database):
    """A database that fails as nobody foresaw, with customers in its hands."""

    def metered(self) -> "Broken":
        return self

    def query(self, *arguments: Any, **options: Any) -> Iterator[Document]:
        found = list(super().query(*arguments, **options))
        raise ZeroDivisionError(f"among {len(found)} documents")


def fail_unforeseen(
    client: Client, database: Database, clock: OffsetClock, loyalty: LoyaltyRunner
) -> None:
    """Deliver a message to a function whose database is broken."""
    service = loyalty.service(database=Broken(client))
    consumer = MessageConsumer(
        topic="loyalty",
        model=Loyalty,
        handle=lambda given, received: service(given, received.id),
        database=database,
        clock=clock.now,
    )
    text = json.dumps(Loyalty(org_id=ORG, run_id="run-bad").to_json())
    data = base64.b64encode(text.encode()).decode()
    event = CloudEvent(
        {"type": "google.cloud.pubsub.topic.v1.messagePublished", "source": "//pubsub"},
        {"message": {"data": data, "messageId": "message-1"}},
    )
    with pytest.raises(InternalServerError):
        consumer(event)
