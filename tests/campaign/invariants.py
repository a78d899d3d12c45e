"""What must hold: at every moment of rest, and when all faults are over."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from deploy.local.simulator.org import Org
from deploy.local.simulator.truth import PLACEHOLDER, Truth
from tests.campaign.hostile_records import (
    OWNER_ID,
    Fate,
    HostileRecord,
    in_quarantine,
    is_counted,
    is_ordinary,
)
from tests.campaign.late_changes import Deleted
from tests.campaign.stored import MENU, REMOVED, Documents, Fields, Stored

REMOVABLE = 10
"""Fewer products than this may leave the menu at a liar's word (domain/removal.py)."""
OPEN_STATES = ("queued", "running")
UNCHANGED_WRITES = 6


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is to be stored of one org: all that its POS holds, but for the ``records`` that are
    hostile, and less what it has ``deleted``."""

    org: Org
    records: Sequence[HostileRecord]
    deleted: Deleted

    def data(self) -> dict[str, list[dict[str, Any]]]:
        """The POS's records that count."""
        dataset = self.org.dataset
        kinds = ("customers", "orders", "inventory")
        return {kind: list(filter(is_counted, dataset.table(kind))) for kind in kinds}

    def others(self, kind: str) -> set[str]:
        """Ids of documents of which nothing more is said here: those of hostile records that need
        not be stored, and of deleted ones."""
        prefix = "alleaves_" if kind == "orders" else ""
        hostile = {
            f"{prefix}{r.id}" for r in self.records if r.kind == kind and r.fate is not Fate.COUNTED
        }
        if kind == "customers":
            return hostile | self.deleted.customers | {str(OWNER_ID)}
        return hostile | {f"{prefix}{key}" for key in self.deleted.orders if kind == "orders"}

    @property
    def emails(self) -> set[str]:
        """E-mails of hostile customers, under which spending may be kept."""
        hostile = [c for c in self.org.dataset.customers if not is_counted(c)]
        return {c["email"].lower() for c in hostile if isinstance(c["email"], str)}

    def left_out(self, stored: Stored, withdrawn: Sequence[HostileRecord]) -> dict[str, set[str]]:
        """Documents by collection that an undisturbed sync of the same POS does not store."""
        names = [r.name for r in self.records if r.only_by_webhook]
        names += [r.name for r in withdrawn if r.kind == "orders"]
        deleted = self.deleted
        return {
            # An order that is deleted while it is in quarantine stays there for weeks.
            "quarantine": set(in_quarantine(stored, names))
            | {f"orders_alleaves_{key}" for key in deleted.orders},
            "customer_spending": deleted.emails | {f"cid_{key}" for key in deleted.customers},
        }


def at_rest(stored: Stored, expected: Expectation, menu_before: set[str]) -> Iterator[str]:
    """What no fault may bring about, not even for a time."""
    customers, orders = stored.documents("customers"), stored.documents("orders")
    yield from _no_ghosts(customers, orders, expected)
    sold = {str(row["id_item"]) for row in expected.org.dataset.inventory}
    removed = (menu_before & sold) - stored.documents(MENU).keys()
    if len(removed) >= REMOVABLE:
        yield f"{len(removed)} products that the POS has were removed from the menu"


def in_the_end(
    stored: Stored,
    expected: Expectation,
    now: datetime,
    *,
    after_daily_pass: bool,
    removals: bool = True,
) -> Iterator[str]:
    """What the POS's own data say, recomputed without any of the product's code. ``removals``
    False: what is no longer listed may still be there."""
    data = expected.data()
    truth = Truth(data, expected.org.spec.timezone)
    customers, orders = stored.documents("customers"), stored.documents("orders")
    yield from _no_ghosts(customers, orders, expected)
    buyers = {f"alleaves_{o}": str(c) for o, c in truth.buyers.items() if c is not None}
    listed = {
        "customers": {str(c["id_customer"]) for c in data["customers"]},
        "orders": set(buyers),
        MENU: {str(row["id_item"]) for row in data["inventory"]},
    }
    for name, wanted in listed.items():
        others = expected.others("inventory" if name == MENU else name)
        found = stored.documents(name).keys() - others
        yield from _same_ids(name, found if removals else found & wanted, wanted)
    if removals:
        yield from _removed(customers | orders, expected)
    for key, order in orders.items():
        if key in buyers and order["customerId"] != buyers[key]:
            yield f"orders/{key} is {order['customerId']}'s, not {buyers[key]}'s"
    yield from _spending(stored, customers, truth, data["customers"], expected)
    if after_daily_pass:
        for customer, segment in truth.segments(now).items():
            if (kept := customers.get(str(customer), {}).get("segment")) != segment:
                yield f"customers/{customer} is {kept}, not {segment}"
        for key, stored_customer in customers.items():
            if ((stored_customer.get("rfm") or {}).get("recencyDays") or 0) < 0:
                yield f"customers/{key} has ordered in the future"


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


def outstanding(stored: Stored) -> Iterator[str]:
    """No spending that was asked for is still to be computed."""
    if requests := stored.documents("spending_requests"):
        yield f"{len(requests)} requests for spending are left: {sorted(requests)[:5]}"
    if said := stored.document("integrations/pos").get("spendingOutstanding"):
        yield f"the status says that spending is outstanding: {said}"


def ended_well(run: Fields) -> Iterator[str]:
    """A sync that nothing disturbed."""
    if run.get("state") not in ("succeeded", "partial"):
        yield f"an undisturbed sync {run.get('state')}: {run.get('error')}"


def unchanged(run: Fields) -> Iterator[str]:
    """A sync after which nothing had changed."""
    for name, counts in run.get("streams", {}).items():
        for what in ("created", "updated", "deleted"):
            if counts.get(what):
                yield f"an unchanged sync {what} {counts[what]} {name}"
    writes = run.get("cost", {}).get("writes")
    if writes is None or writes > UNCHANGED_WRITES:
        yield f"an unchanged sync made {writes} writes"


def _removed(found: Documents, expected: Expectation) -> Iterator[str]:
    deleted = expected.deleted
    gone = deleted.customers | {f"alleaves_{key}" for key in deleted.orders}
    for key in sorted(gone & found.keys()):
        if REMOVED not in found[key]:
            yield f"{key} was deleted at the POS and is not marked"
    if lost := sorted(deleted.stored - found.keys()):
        yield f"{lost} were deleted at the POS and are not stored any more"
    others = expected.others("customers") | expected.others("orders")
    for key in sorted(found.keys() - others):
        if REMOVED in found[key]:
            yield f"{key} is marked as removed, and the POS has it"


def _no_ghosts(customers: Documents, orders: Documents, expected: Expectation) -> Iterator[str]:
    known = {str(customer["id_customer"]) for customer in expected.org.dataset.customers}
    known |= expected.others("customers")
    for ghost in sorted(customers.keys() - known):
        yield f"customers/{ghost} is nobody's at the POS"
    for key, order in orders.items():
        if order.get("customerId") not in customers:
            yield f"orders/{key} is {order.get('customerId')}'s, who is not stored"


def _same_ids(name: str, found: set[str], wanted: set[str]) -> Iterator[str]:
    if missing := sorted(wanted - found):
        yield f"{len(missing)} of {name} are not stored: {missing[:5]}"
    if more := sorted(found - wanted):
        yield f"{len(more)} of {name} are stored and not the POS's: {more[:5]}"


def _spending(
    stored: Stored,
    customers: Documents,
    truth: Truth,
    listed: Sequence[dict[str, Any]],
    expected: Expectation,
) -> Iterator[str]:
    kept = stored.documents("customer_spending")
    wanted: defaultdict[str, list[Any]] = defaultdict(lambda: [Decimal(0), 0])
    for customer in listed:
        figures = truth.figures[customer["id_customer"]]
        spent, count = figures.spent, len(figures.moments)
        key = str(customer["id_customer"])
        wanted[f"cid_{key}"] = [spent, count]
        email = (customer["email"] or "").lower()
        # A hostile customer's e-mail is none that a document could have for its id.
        if email and email != PLACEHOLDER and is_ordinary(customer):
            wanted[email] = [wanted[email][0] + spent, wanted[email][1] + count]
        yield from _figures(f"customers/{key}", customers.get(key, {}), [spent, count])
    free = {f"cid_{key}" for key in expected.others("customers") - expected.deleted.customers}
    free |= expected.emails
    gone = {*(f"cid_{key}" for key in expected.deleted.customers), *expected.deleted.emails}
    for key in sorted((wanted.keys() | kept.keys()) - free):
        if key in gone and key not in wanted:
            if kept[key].get("orderCount"):
                yield f"customer_spending/{key} still counts for a customer who was deleted"
        elif key not in wanted:
            yield f"customer_spending/{key} is nobody's"
        else:
            yield from _figures(f"customer_spending/{key}", kept.get(key, {}), wanted[key])


def _figures(where: str, found: Fields, wanted: list[Any]) -> Iterator[str]:
    stored = [Decimal(str(found.get("totalSpent", "NaN"))), found.get("orderCount")]
    if stored != wanted:
        yield f"{where} says {stored[0]} in {stored[1]} orders, not {wanted[0]} in {wanted[1]}"
