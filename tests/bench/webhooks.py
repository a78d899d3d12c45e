"""Webhooks of a large org at each POS: how soon one is answered, and how soon spending follows."""

import hashlib
import hmac
import json
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import requests
from rich.console import Console

from shared.store import paths
from tests.bench.cloud import Cloud, Document, NotDone
from tests.bench.registry import Figures
from tests.bench.tables import number, seconds, table
from tests.simulated_pos import SimulatedPos, placed_order

TITLE = "Webhooks of a large org: 50 new orders at each POS; 240 ms per call to Alleaves"

LATENCY_MS = 240
ACCOUNT = "org_large"
ORG = "org_webhooks"
SECRET = "the secret of the benchmark"
RETAILER = "org_lightspeed_webhooks"
RETAILER_SIZE = {"customers": 5_000, "sales": 20_000, "ecomOrders": 2_419, "products": 60}
ADDRESS_SECRET, GUESS = "S" * 32, "G" * 32
EVENTS, QUICK_EVENTS = 50, 5
FORGED, QUICK_FORGED = 1_000, 50
LISTENED = 200
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


class Source(ABC):
    """An org whose POS sends a webhook for each sale."""

    org_id: str
    pos: SimulatedPos

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._session = requests.Session()
        self._base = cloud.stack.functions["webhooks"]

    @abstractmethod
    def sell(self, turn: int) -> Callable[[], bool]:
        """Sell something for $100; whether the customer's spending has it."""

    @abstractmethod
    def send(self, turn: int, *, forged: bool = False) -> tuple[float, int]:
        """Send the webhook of a sale; the seconds until it is answered, and the status."""

    def listen(self) -> float:
        """Ask the function for next to nothing; the seconds that takes."""
        return self._timed("GET", "/api/webhooks/alleaves")[0]

    def _is_counted(self, customer: object) -> Callable[[], bool]:
        """Whether the spending of a customer has grown since now."""
        path = f"{paths.customer_spending(self.org_id)}/cid_{customer}"
        before = self._cloud.document(path).get("totalSpent", 0)
        return lambda: bool(self._cloud.document(path).get("totalSpent", 0) > before)

    def _timed(self, method: str, path: str, **given: Any) -> tuple[float, int]:
        started = time.monotonic()
        answer = self._session.request(method, self._base + path, timeout=30, **given)
        return time.monotonic() - started, answer.status_code


class AlleavesSource(Source):
    """The large org of the simulated Alleaves, whose webhooks are signed."""

    org_id = ORG

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.pos = cloud.pos
        location = cloud.connect(ACCOUNT, ORG)
        location["posConfig"]["webhookSecret"] = SECRET
        cloud.client.document(f"{paths.LOCATIONS}/{ORG}").set(location)
        data = cloud.pos.data(ACCOUNT)
        self._customers = [customer["id_customer"] for customer in data["customers"]]
        self._template = data["orders"][0]

    def sell(self, turn: int) -> Callable[[], bool]:
        customer, now = self._customers[turn], datetime.now(UTC).isoformat()
        is_counted = self._is_counted(customer)
        order = placed_order(self._template, FIRST_ORDER + turn, customer, now)
        self.pos.add(ACCOUNT, "orders", order)
        return is_counted

    def send(self, turn: int, *, forged: bool = False) -> tuple[float, int]:
        now = datetime.now(UTC).isoformat()
        event = {"event": "order.created", "data": {"id_order": FIRST_ORDER + turn}}
        body = json.dumps({**event, "timestamp": now, "n": secrets.token_hex(4)}).encode()
        secret = "guess" if forged else SECRET
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Alleaves-Signature": signature, "Content-Type": "application/json"}
        return self._timed("POST", f"/api/webhooks/alleaves/{ORG}", data=body, headers=headers)


class LightspeedSource(Source):
    """A retailer of the simulated Lightspeed, whose webhooks have a secret in their address."""

    org_id = RETAILER

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.pos = SimulatedPos(cloud.stack.description()["lightspeed"])
        self.pos.control("POST", "orgs", {"id": RETAILER, **RETAILER_SIZE})
        for location in self.pos.control("GET", "locations"):
            document = location["document"]
            if document["orgId"] == RETAILER:
                document["posConfig"]["webhookSecret"] = ADDRESS_SECRET
                cloud.client.document(f"{paths.LOCATIONS}/{location['id']}").set(document)
        data = self.pos.data(RETAILER)
        self._customers = [customer["id"] for customer in data["customers"]]
        self._template = next(sale for sale in data["sales"] if sale["status"] == "CLOSED")
        self._sale_ids = [str(uuid4()) for _ in range(2 * EVENTS)]

    def sell(self, turn: int) -> Callable[[], bool]:
        customer, now = self._customers[turn], datetime.now(UTC).isoformat(timespec="seconds")
        is_counted = self._is_counted(customer)
        own = {"id": self._sale_ids[turn], "customer_id": customer, "source": "USER", "note": ""}
        amounts = {"total_price": 100.0, "total_tax": 0.0, "total_price_incl": 100.0}
        times = dict.fromkeys(("created_at", "updated_at", "sale_date"), now)
        none = dict.fromkeys(("source_id", "return_for", "deleted_at"))
        self.pos.add(RETAILER, "sales", {**self._template, **own, **amounts, **times, **none})
        return is_counted

    def send(self, turn: int, *, forged: bool = False) -> tuple[float, int]:
        sale_id = self._sale_ids[turn % len(self._sale_ids)]
        payload = json.dumps({"id": sale_id, "register_id": "r", "n": secrets.token_hex(4)})
        body = urlencode({"payload": payload, "type": "sale.update"})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        secret = GUESS if forged else ADDRESS_SECRET
        path = f"/api/webhooks/lightspeed/sale-created/{RETAILER}/{secret}"
        return self._timed("POST", path, data=body, headers=headers)


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    with Cloud("org_sync", "spending", "webhooks", latency_ms=LATENCY_MS) as cloud:
        sources: dict[str, Callable[[Cloud], Source]] = {
            "Alleaves": AlleavesSource,
            "Lightspeed": LightspeedSource,
        }
        alleaves, lightspeed = (
            _measure(console, cloud, name, made(cloud), quick=quick)
            for name, made in sources.items()
        )
    return {**alleaves, "lightspeed": lightspeed}


def _measure(console: Console, cloud: Cloud, name: str, source: Source, *, quick: bool) -> Document:
    """The figures of one POS, printed as a table. Raises NotDone where a forged webhook is let
    in."""
    events, forgeries = (QUICK_EVENTS, QUICK_FORGED) if quick else (EVENTS, FORGED)
    cloud.sync(source.org_id, "first")
    cloud.quiet("spending")
    source.send(0)  # the first request of a process finds nothing warm
    source.pos.reset_calls()
    answered, follows = _webhooks(cloud, source, range(events))
    calls = _calls(source) / events
    polled = [_poll(cloud, source, events + turn) for turn in range(1 if quick else POLLS)]
    poll_calls = _calls(source) / len(polled)
    answers = [source.send(turn, forged=True) for turn in range(forgeries)]
    if let_in := sum(status < 400 for _, status in answers):
        raise NotDone(f"{let_in} of {forgeries} forged webhooks were let in")
    forged = Times([taken for taken, _ in answers])
    nothing = Times([source.listen() for _ in range(min(LISTENED, forgeries))])
    by_poll = Times([*polled, polled[-1]])
    rows = [
        ("answered, median", seconds(answered.middle), seconds(nothing.middle), ""),
        ("answered, p95", seconds(answered.p95), seconds(nothing.p95), "1 s"),
        (
            f"{forgeries} forged, none let in, answered, p95",
            seconds(forged.p95),
            seconds(nothing.p95),
            "1 s",
        ),
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
    console.print(table(f"{name}: {events} webhooks, one after the other", columns, rows))
    return {
        "events": events,
        "answeredSeconds": answered.row(),
        "forged": forgeries,
        "forgedAnsweredSeconds": forged.row(),
        "emptyAnswerSeconds": nothing.row(),
        "inSpendingSeconds": follows.row(),
        "callsPerWebhook": round(calls, 2),
        "inSpendingByPollSeconds": by_poll.row(),
        "callsPerPoll": round(poll_calls),
    }


def _webhooks(cloud: Cloud, source: Source, turns: Sequence[int]) -> tuple[Times, Times]:
    """Until each is answered, and until its order is in its customer's spending."""
    answered, follows = [], []
    for turn in turns:
        is_counted = source.sell(turn)
        started = time.monotonic()
        answered.append(source.send(turn)[0])
        cloud.wait(f"order {turn} is counted", is_counted, FOLLOWS_SECONDS, look=0.02)
        follows.append(time.monotonic() - started)
    return Times(answered), Times(follows)


def _poll(cloud: Cloud, source: Source, turn: int) -> float:
    """The seconds by which spending follows where the schedule ticks just after the sale."""
    is_counted = source.sell(turn)
    started = time.monotonic()
    cloud.sync(source.org_id, f"poll-{turn}")
    cloud.wait(f"order {turn} is counted", is_counted, FOLLOWS_SECONDS, look=0.02)
    return time.monotonic() - started


def _calls(source: Source) -> int:
    """Calls to the POS since they were last counted."""
    counted = source.pos.total_calls()
    source.pos.reset_calls()
    return int(counted)
