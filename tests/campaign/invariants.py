"""What must hold: at every moment of rest, and when all faults are over."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from deploy.local.simulator.org import Org
from deploy.local.simulator.truth import PLACEHOLDER, Truth
from tests.campaign.stored import MENU, Documents, Fields, Stored

REMOVABLE = 10
"""Fewer products than this may leave the menu at a liar's word (domain/removal.py)."""
OPEN_STATES = ("queued", "running")
UNCHANGED_WRITES = 6


def pos_data(org: Org) -> dict[str, list[dict[str, Any]]]:
    """What the POS itself holds."""
    dataset = org.dataset
    return {kind: list(dataset.table(kind)) for kind in ("customers", "orders", "inventory")}


def at_rest(stored: Stored, org: Org, menu_before: set[str]) -> Iterator[str]:
    """What no fault may bring about, not even for a time."""
    customers, orders = stored.documents("customers"), stored.documents("orders")
    yield from _no_ghosts(customers, orders, org)
    sold = {str(row["id_item"]) for row in org.dataset.inventory}
    removed = (menu_before & sold) - stored.documents(MENU).keys()
    if len(removed) >= REMOVABLE:
        yield f"{len(removed)} products that the POS has were removed from the menu"


def in_the_end(stored: Stored, org: Org, now: datetime, *, after_daily_pass: bool) -> Iterator[str]:
    """What the POS's own data say, recomputed without any of the product's code."""
    data = pos_data(org)
    truth = Truth(data, org.spec.timezone)
    customers, orders = stored.documents("customers"), stored.documents("orders")
    yield from _no_ghosts(customers, orders, org)
    yield from _same_ids("customers", customers, {str(c["id_customer"]) for c in data["customers"]})
    buyers = {f"alleaves_{o}": str(c) for o, c in truth.buyers.items() if c is not None}
    yield from _same_ids("orders", orders, buyers.keys())
    sold = {str(row["id_item"]) for row in data["inventory"]}
    yield from _same_ids(MENU, stored.documents(MENU), sold)
    for key, order in orders.items():
        if key in buyers and order["customerId"] != buyers[key]:
            yield f"orders/{key} is {order['customerId']}'s, not {buyers[key]}'s"
    yield from _spending(stored, customers, truth, data["customers"])
    if after_daily_pass:
        for customer, segment in truth.segments(now).items():
            if (kept := customers.get(str(customer), {}).get("segment")) != segment:
                yield f"customers/{customer} is {kept}, not {segment}"


def over(stored: Stored) -> Iterator[str]:
    """No run, no webhook and no lease is left behind."""
    for run_id, run in stored.documents("sync_runs").items():
        if run["state"] in OPEN_STATES:
            yield f"run {run_id} is left {run['state']}"
        elif run.get("endedAt") is None:
            yield f"run {run_id} is {run['state']} and has no end"
    for key, event in stored.documents("webhook_events").items():
        if event["state"] == "waiting":
            yield f"webhook {key} still waits"
    if (until := stored.lease_until()) is not None:
        yield f"a lease is left behind, until {until}"


def unchanged(run: Fields) -> Iterator[str]:
    """A sync after which nothing had changed."""
    for name, counts in run.get("streams", {}).items():
        for what in ("created", "updated", "deleted"):
            if counts.get(what):
                yield f"an unchanged sync {what} {counts[what]} {name}"
    writes = run.get("cost", {}).get("writes")
    if writes is None or writes > UNCHANGED_WRITES:
        yield f"an unchanged sync made {writes} writes"


def _no_ghosts(customers: Documents, orders: Documents, org: Org) -> Iterator[str]:
    known = {str(customer["id_customer"]) for customer in org.dataset.customers}
    for ghost in sorted(customers.keys() - known):
        yield f"customers/{ghost} is nobody's at the POS"
    for key, order in orders.items():
        if order.get("customerId") not in customers:
            yield f"orders/{key} is {order.get('customerId')}'s, who is not stored"


def _same_ids(name: str, found: Mapping[str, Any], wanted: Any) -> Iterator[str]:
    if missing := sorted(set(wanted) - found.keys()):
        yield f"{len(missing)} of {name} are not stored: {missing[:5]}"
    if more := sorted(found.keys() - set(wanted)):
        yield f"{len(more)} of {name} are stored and not the POS's: {more[:5]}"


def _spending(
    stored: Stored, customers: Documents, truth: Truth, listed: Sequence[dict[str, Any]]
) -> Iterator[str]:
    kept = stored.documents("customer_spending")
    wanted: defaultdict[str, list[Any]] = defaultdict(lambda: [Decimal(0), 0])
    for customer in listed:
        figures = truth.figures[customer["id_customer"]]
        spent, count = figures.spent, len(figures.moments)
        key = str(customer["id_customer"])
        wanted[f"cid_{key}"] = [spent, count]
        email = (customer["email"] or "").lower()
        if email and email != PLACEHOLDER:
            wanted[email] = [wanted[email][0] + spent, wanted[email][1] + count]
        yield from _figures(f"customers/{key}", customers.get(key, {}), [spent, count])
    for key in sorted(wanted.keys() | kept.keys()):
        if key not in wanted:
            yield f"customer_spending/{key} is nobody's"
        else:
            yield from _figures(f"customer_spending/{key}", kept.get(key, {}), wanted[key])


def _figures(where: str, found: Fields, wanted: list[Any]) -> Iterator[str]:
    stored = [Decimal(str(found.get("totalSpent", "NaN"))), found.get("orderCount")]
    if stored != wanted:
        yield f"{where} says {stored[0]} in {stored[1]} orders, not {wanted[0]} in {wanted[1]}"
