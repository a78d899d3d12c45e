"""A loyalty run of 1,641 customers: as fast as it goes, and within the default rate limit."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import requests
from google.cloud.firestore_v1.base_query import FieldFilter
from rich.console import Console

from deploy.local.simulator.seed.people import phone_number
from shared.domain.customers import normal_phone
from shared.loyalty.alpine_iq import RateLimit
from shared.store import paths
from tests.bench.cloud import ENDED, TIMEOUT_SECONDS, Cloud, Document, NotDone
from tests.bench.registry import Figures
from tests.bench.tables import number, seconds, table

TITLE = "Loyalty of 1,641 customers; 50 ms per look-up at Alpine IQ"

ORG = "org_points"
CUSTOMERS, QUICK_CUSTOMERS = 1641, 240
LATENCY_MS = 50
ALLOWED_SECONDS = 15.0
ALLOWED_TIMES = 1.10
SAMPLE = 40
COMPUTED_SECONDS = 300.0
RECORDED_SECONDS = 35 + 120 * CUSTOMERS / 1000
"""Of the original: 35 s for the calculation, about 2 minutes per 1,000 customers beside it."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One run that looked everybody up: its document, its seconds and its calls."""

    run: Document
    seconds: float
    calls: int


class Programme:
    """The org, its customers all known to Alpine IQ by their telephones."""

    def __init__(self, cloud: Cloud, customers: int) -> None:
        self._cloud = cloud
        self._runs = 0
        sizes = {"customers": customers, "orders": round(customers * 1.0634)}
        spec = {"id": ORG, **sizes, "products": 40, "rows": 44, "alpineContacts": customers}
        cloud.pos.control("POST", "orgs", spec)
        people = cloud.pos.data(ORG)["customers"]
        rng = random.Random(ORG)
        for place, person in enumerate(people):
            person["phone"] = phone_number(place, rng)
        cloud.pos.replace(ORG, "customers", people)
        cloud.pos.replace(ORG, "contacts", [_contact(person) for person in people])
        cloud.connect(ORG, ORG)
        [self._tenant] = (t for t in cloud.pos.control("GET", "tenants") if t["id"] == ORG)
        self.limit(None)
        cloud.pos.fault("latency", ms=LATENCY_MS, endpoint="wallet")

    def limit(self, rate_limit: Document | None) -> None:
        """Have the account keep to a rate limit; None for none."""
        document = self._tenant["document"]
        account = {**document["alpineIq"], "rateLimit": rate_limit}
        path = paths.tenant(ORG)
        self._cloud.client.document(path).set({**document, "alpineIq": account})

    def look_everybody_up(self, *, within: float) -> Pass:
        """One run from its message to its end."""
        self._runs += 1
        run_id = f"pass-{self._runs}"
        self._cloud.pos.control("DELETE", f"orgs/{ORG}/look-ups")
        started = time.monotonic()
        self._cloud.stack.publish("loyalty", {"orgId": ORG, "runId": run_id})
        run: Document = {}

        def ended() -> bool:
            run.update(self._cloud.document(paths.loyalty_run(ORG, run_id)))
            return run.get("state") in ENDED

        self._cloud.wait("the loyalty run ends", ended, within)
        took = time.monotonic() - started
        if run["state"] != "succeeded":
            raise NotDone(f"the loyalty run ended {run['state']}: {run.get('error')}")
        return Pass(run, took, len(self._cloud.pos.control("GET", f"orgs/{ORG}/look-ups")))

    def one_after_the_other(self) -> float:
        """Seconds per customer of doing the same naively: their orders, a look-up, a write."""
        account = self._tenant["document"]["alpineIq"]
        client = self._cloud.client
        customers = list(client.collection(paths.customers(ORG)).limit(SAMPLE).stream())
        with self._cloud.project("demo-naive") as other, requests.Session() as session:
            session.headers["X-APIKEY"] = account["apiKey"]
            started = time.monotonic()
            for customer in customers:
                theirs = FieldFilter("customerId", "==", customer.id)
                orders = client.collection(paths.orders(ORG)).where(filter=theirs).stream()
                total = sum(order.get("total") for order in orders)
                reply = session.post(
                    f"{account['baseUrl']}/api/v2/wallet",
                    json={"phone": normal_phone(customer.get("phone"))},
                    timeout=TIMEOUT_SECONDS,
                )
                points = reply.json()["data"]["loyaltyPoints"]
                document = other.document(f"{paths.customers(ORG)}/{customer.id}")
                document.set({"points": points, "pointsFromOrders": total})
            return (time.monotonic() - started) / len(customers)


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench. The run within the default limit takes a quarter of an hour."""
    customers = QUICK_CUSTOMERS if quick else CUSTOMERS
    with Cloud("org_sync", "spending", "loyalty_reconcile") as cloud:
        programme = Programme(cloud, customers)
        cloud.sync(ORG, "first")
        computed = paths.rfm_scale(ORG)
        cloud.wait("spending is computed", lambda: bool(cloud.document(computed)), COMPUTED_SECONDS)
        cloud.quiet("spending")
        first = programme.look_everybody_up(within=300)
        again = programme.look_everybody_up(within=300)
        naive = programme.one_after_the_other() * customers
        programme.limit({})
        fastest = fastest_within(RateLimit(), first.calls)
        limited = programme.look_everybody_up(within=fastest * 2 + 60)
    console.print(_table(customers, first, again, naive, limited, fastest))
    return {
        "customers": customers,
        "unlimited": _figures(first),
        "nothingChanged": _figures(again),
        "naiveSeconds": round(naive, 1),
        "recordedSeconds": round(RECORDED_SECONDS, 1),
        "defaultLimit": {**_figures(limited), "fastestSeconds": fastest},
    }


def fastest_within(limit: RateLimit, calls: int) -> float:
    """The seconds that so many calls take at the least: each window full at once, then the next."""
    a_second, a_minute, an_hour = (each.calls for each in limit.limits)
    assert calls <= an_hour
    minutes, rest = divmod(calls - 1, a_minute)
    return float(minutes * 60 + rest // a_second)


def _contact(person: Document) -> Document:
    return {
        "contactID": f"7{person['id_customer']}",
        "mobilePhone": normal_phone(person["phone"]),
        "email": None,
        "loyaltyPoints": 40,
        "hidePointsInWallet": False,
    }


def _figures(done: Pass) -> Document:
    counts = done.run["counts"]
    return {
        "seconds": round(done.seconds, 2),
        "calls": done.calls,
        "invocations": done.run["invocations"],
        "updated": counts["updated"],
        **done.run["cost"],
    }


def _table(
    customers: int, first: Pass, again: Pass, naive: float, limited: Pass, fastest: float
) -> Any:
    columns = ("measured", "one by one", "original", "allowed")
    recorded = f"{RECORDED_SECONDS:,.0f} s" if customers == CUSTOMERS else ""
    times = limited.seconds / fastest
    rows: Sequence[Sequence[str]] = [
        ("no limit, first run", seconds(first.seconds), seconds(naive), recorded, "15 s"),
        ("  look-ups", number(first.calls), number(customers), "", ""),
        ("  documents written", number(first.run["cost"]["writes"]), "", "", ""),
        ("no limit, nothing changed", seconds(again.seconds), "", "", "15 s"),
        ("  documents written", number(again.run["cost"]["writes"]), "", "", ""),
        ("default limit", seconds(limited.seconds), "", "", seconds(fastest * ALLOWED_TIMES)),
        ("  times what the limit allows", f"{times:.3f}", "", "", f"{ALLOWED_TIMES:.2f}"),
        ("  look-ups", number(limited.calls), number(customers), "", ""),
        ("  documents written", number(limited.run["cost"]["writes"]), "", "", ""),
        ("  invocations", number(limited.run["invocations"]), "", "", ""),
    ]
    return table(f"{customers:,} customers, all looked up", columns, rows)
