"""Webhooks of the large org: how soon they are answered, and how soon spending follows."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any

import requests
from rich.console import Console

from shared.store import paths
from tests.bench.cloud import Cloud, Document
from tests.bench.registry import Figures
from tests.bench.tables import number, seconds, table
from tests.simulated_pos import placed_order

TITLE = "Webhooks of the large org: 50 order.created; 240 ms per call to the POS"

LATENCY_MS = 240
ACCOUNT = "org_large"
ORG = "org_webhooks"
SECRET = "the secret of the benchmark"
EVENTS, QUICK_EVENTS = 50, 5
FORGED = 200
POLLS = 3
FOLLOWS_SECONDS = 60.0
FIRST_ORDER = 8_000_000


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of many tries."""

    each: Sequence[float]

    @property
    def middle(self) -> float:
        return float(median(self.each))

    @property
    def p95(self) -> float:
        return float(quantiles(self.each, n=20, method="inclusive")[-1])

    def row(self) -> Document:
        return {"median": round(self.middle, 3), "p95": round(self.p95, 3)}


class WebhookSource:
    """An org whose POS sends a webhook for each sale."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._session = requests.Session()
        self._address = f"{cloud.stack.functions['webhooks']}/api/webhooks/alleaves"
        location = cloud.connect(ACCOUNT, ORG)
        location["posConfig"]["webhookSecret"] = SECRET
        cloud.client.document(f"{paths.LOCATIONS}/{ORG}").set(location)
        data = cloud.pos.data(ACCOUNT)
        self._customers = [customer["id_customer"] for customer in data["customers"]]
        self._template = data["orders"][0]

    def sell(self, turn: int) -> Callable[[], bool]:
        """Sell something for $100; whether the customer's spending has it."""
        customer, now = self._customers[turn], datetime.now(UTC).isoformat()
        path = f"{paths.customer_spending(ORG)}/cid_{customer}"
        before = self._cloud.document(path).get("totalSpent", 0)
        order = placed_order(self._template, FIRST_ORDER + turn, customer, now)
        self._cloud.pos.add(ACCOUNT, "orders", order)
        return lambda: bool(self._cloud.document(path).get("totalSpent", 0) > before)

    def send(self, turn: int, *, secret: str = SECRET) -> float:
        """Send the webhook of a sale; the seconds until it is answered."""
        now = datetime.now(UTC).isoformat()
        event = {"event": "order.created", "data": {"id_order": FIRST_ORDER + turn}}
        body = json.dumps({**event, "timestamp": now, "n": secrets.token_hex(4)}).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Alleaves-Signature": signature, "Content-Type": "application/json"}
        return self._timed("POST", f"/{ORG}", data=body, headers=headers)

    def listen(self) -> float:
        """Ask the function for next to nothing; the seconds that takes."""
        return self._timed("GET", "")

    def _timed(self, method: str, path: str, **given: Any) -> float:
        started = time.monotonic()
        self._session.request(method, self._address + path, timeout=30, **given)
        return time.monotonic() - started


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    events = QUICK_EVENTS if quick else EVENTS
    with Cloud("org_sync", "spending", "webhooks", latency_ms=LATENCY_MS) as cloud:
        source = WebhookSource(cloud)
        cloud.sync(ORG, "first")
        cloud.quiet("spending")
        source.send(0)  # the first request of a process finds nothing warm
        cloud.pos.reset_calls()
        answered, follows = _webhooks(cloud, source, range(events))
        calls = _calls(cloud) / events
        polled = [_poll(cloud, source, events + turn) for turn in range(1 if quick else POLLS)]
        poll_calls = _calls(cloud) / len(polled)
        forged = Times([source.send(turn, secret="guess") for turn in range(FORGED)])
        nothing = Times([source.listen() for _ in range(FORGED)])
    by_poll = Times([*polled, polled[-1]])
    rows = [
        ("answered, median", seconds(answered.middle), seconds(nothing.middle), ""),
        ("answered, p95", seconds(answered.p95), seconds(nothing.p95), "1 s"),
        (f"forged, answered, p95 of {FORGED}", seconds(forged.p95), seconds(nothing.p95), "1 s"),
        (
            "in the customer's spending, median",
            seconds(follows.middle),
            seconds(by_poll.middle),
            "",
        ),
        ("in the customer's spending, p95", seconds(follows.p95), seconds(by_poll.p95), "5 s"),
        ("calls to the POS for each", f"{calls:.2f}", number(round(poll_calls)), "2"),
    ]
    columns = ("measured", "an empty answer / a poll", "allowed")
    console.print(table(f"{events} webhooks, one after the other", columns, rows))
    return {
        "events": events,
        "answeredSeconds": answered.row(),
        "forgedAnsweredSeconds": forged.row(),
        "emptyAnswerSeconds": nothing.row(),
        "inSpendingSeconds": follows.row(),
        "callsPerWebhook": round(calls, 2),
        "inSpendingByPollSeconds": by_poll.row(),
        "callsPerPoll": round(poll_calls),
    }


def _webhooks(cloud: Cloud, source: WebhookSource, turns: Sequence[int]) -> tuple[Times, Times]:
    """Until each is answered, and until its order is in its customer's spending."""
    answered, follows = [], []
    for turn in turns:
        is_counted = source.sell(turn)
        started = time.monotonic()
        answered.append(source.send(turn))
        cloud.wait(f"order {turn} is counted", is_counted, FOLLOWS_SECONDS, look=0.02)
        follows.append(time.monotonic() - started)
    return Times(answered), Times(follows)


def _poll(cloud: Cloud, source: WebhookSource, turn: int) -> float:
    """The seconds by which spending follows where the schedule ticks just after the sale."""
    is_counted = source.sell(turn)
    started = time.monotonic()
    cloud.sync(ORG, f"poll-{turn}")
    cloud.wait(f"order {turn} is counted", is_counted, FOLLOWS_SECONDS, look=0.02)
    return time.monotonic() - started


def _calls(cloud: Cloud) -> int:
    """Calls to the POS since they were last counted."""
    counted = cloud.pos.total_calls()
    cloud.pos.reset_calls()
    return int(counted)
