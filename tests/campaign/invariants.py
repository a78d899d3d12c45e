"""What must hold: at every moment of rest, and when all faults are over."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from deploy.local.simulator.lightspeed.truth import RetailerTruth
from deploy.local.simulator.org import Org
from deploy.local.simulator.truth import PLACEHOLDER, Figures, Truth
from tests.campaign.hostile_records import (
    OWNER_ID,
    Fate,
    HostileRecord,
    in_quarantine,
    is_counted,
    is_ordinary,
)
from tests.campaign.late_changes import Deleted
from tests.campaign.retail_truth import RetailTruth
from tests.campaign.stored import MENU, REMOVED, Documents, Fields, Stored

REMOVABLE = 10
"""Fewer products than this may leave the menu at a liar's word (domain/removal.py)."""
OPEN_STATES = ("queued", "running")
UNCHANGED_WRITES = 6
WRITES_OF_ANOTHER = 4
"""So many more where an org has a second provider."""
IMPORTED = "ecom_"
"""How the ids of orders begin that an export of the eCom shop brought."""


@dataclass(slots=True)
class Wanted:
    """What is to be stored: the figures of each customer, the e-mail under which these are summed
    up too, the customer of each order (None: nobody's), and the ids of what is sold."""

    figures: dict[str, Figures] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    orders: dict[str, str | None] = field(default_factory=dict)
    menu: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is to be stored of one org: all that its POS holds, but for the ``records`` that are
    hostile, and less what it has ``deleted``. The POS is ``org`` at Alleaves, ``retail`` at
    X-Series, or each for a location."""

    org: Org | None
    retail: RetailTruth | None
    records: Sequence[HostileRecord]
    deleted: Deleted

    @property
    def alleaves(self) -> Org:
        """Its part at Alleaves, where it has one."""
        assert self.org is not None
        return self.org

    def data(self) -> dict[str, list[dict[str, Any]]]:
        """The records at Alleaves that count."""
        kinds = ("customers", "orders", "inventory")
        if self.org is None:
            return {kind: [] for kind in kinds}
        dataset = self.org.dataset
        return {kind: list(filter(is_counted, dataset.table(kind))) for kind in kinds}

    def wanted(self) -> Wanted:
        """All of it."""
        found, data = Wanted(), self.data()
        if self.org is not None:
            truth = Truth(data, self.org.spec.timezone)
            found.figures = {str(key): figures for key, figures in truth.figures.items()}
            found.emails = dict(_emails(data["customers"]))
            buyers = truth.buyers.items()
            found.orders = {f"alleaves_{o}": str(c) for o, c in buyers if c is not None}
            found.menu = {str(row["id_item"]) for row in data["inventory"]}
        if self.retail is not None:
            retail = self.retail_truth()
            for key, figures in retail.figures.items():
                own = found.figures.setdefault(key, Figures())
                own.spent += figures.spent
                own.moments += figures.moments
            found.emails |= self.retail.emails()
            found.orders |= {key: order.customer_id for key, order in retail.orders.items()}
            found.menu |= self.retail.products().keys()
        return found

    def retail_truth(self) -> RetailerTruth:
        """What the part at X-Series says; its eCom orders may be of customers at Alleaves."""
        assert self.retail is not None
        return self.retail.truth(self.data()["customers"])

    def known(self) -> set[str]:
        """Ids of all customers that may be stored."""
        found = self.others("customers")
        if self.org is not None:
            found |= {str(customer["id_customer"]) for customer in self.org.dataset.customers}
        return found | (self.retail.customers() if self.retail else set())

    def sold(self) -> set[str]:
        """Ids of all that is sold, hostile or not."""
        found = self.retail.products().keys() if self.retail else set()
        rows = self.org.dataset.inventory if self.org else ()
        return {*found, *(str(row["id_item"]) for row in rows)}

    def gone(self) -> set[str]:
        """Ids of the documents of the customers and orders that were deleted."""
        deleted = self.deleted
        found = deleted.customers | {f"alleaves_{key}" for key in deleted.orders}
        return found | (self.retail.deleted() if self.retail else set())

    def gone_customers(self) -> dict[str, str]:
        """Those deleted at X-Series, by id, with their e-mails."""
        return self.retail.deleted_customers() if self.retail else {}

    def gone_spending(self) -> set[str]:
        """Under what the spending of deleted customers was kept."""
        found, retail = self.deleted, self.gone_customers()
        keys = {f"cid_{key}" for key in found.customers | retail.keys()}
        return keys | found.emails | set(filter(None, retail.values()))

    def others(self, kind: str) -> set[str]:
        """Ids of documents of which nothing more is said here: those of hostile records that need
        not be stored, and of deleted ones."""
        prefix = "alleaves_" if kind == "orders" else ""
        hostile = {
            f"{prefix}{r.id}" for r in self.records if r.kind == kind and r.fate is not Fate.COUNTED
        }
        if kind == "customers":
            gone = self.deleted.customers | self.gone_customers().keys()
            hostile |= self.retail.hostile("customers") if self.retail else set()
            return hostile | gone | {str(OWNER_ID)}
        if kind == "orders" and self.retail is not None:
            hostile |= self.retail.deleted() | self.retail.hostile("orders")
        if kind == "inventory" and self.retail is not None:
            hostile |= self.retail.hostile("products")
        return hostile | {f"{prefix}{key}" for key in self.deleted.orders if kind == "orders"}

    @property
    def emails(self) -> set[str]:
        """E-mails of hostile customers, under which spending may be kept."""
        rows = self.org.dataset.customers if self.org else ()
        hostile = [c for c in rows if not is_counted(c)]
        found = {c["email"].lower() for c in hostile if isinstance(c["email"], str)}
        return found | (self.retail.hostile_emails() if self.retail else set())

    def left_out(self, stored: Stored, withdrawn: Sequence[HostileRecord]) -> dict[str, set[str]]:
        """Documents by collection that an undisturbed sync of the same POS does not store."""
        names = [r.name for r in self.records if r.only_by_webhook]
        names += [r.name for r in withdrawn if r.kind == "orders"]
        deleted = self.deleted
        return {
            # An order that is deleted while it is in quarantine stays there for weeks.
            "quarantine": set(in_quarantine(stored, names))
            | {f"orders_alleaves_{key}" for key in deleted.orders},
            "customer_spending": self.gone_spending() - set(self.wanted().emails.values()),
        }


def at_rest(stored: Stored, expected: Expectation, menu_before: set[str]) -> Iterator[str]:
    """What no fault may bring about, not even for a time."""
    customers, orders = stored.documents("customers"), stored.documents("orders")
    yield from _no_ghosts(customers, orders, expected)
    removed = (menu_before & expected.sold()) - stored.documents(MENU).keys()
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
    wanted = expected.wanted()
    customers, orders = stored.documents("customers"), stored.documents("orders")
    yield from _no_ghosts(customers, orders, expected)
    listed = {"customers": set(wanted.figures), "orders": set(wanted.orders), MENU: wanted.menu}
    for name, ids in listed.items():
        others = expected.others("inventory" if name == MENU else name)
        found = stored.documents(name).keys() - others
        yield from _same_ids(name, found if removals else found & ids, ids)
    if removals:
        yield from _removed(customers | orders, expected)
    for key, order in orders.items():
        if key in wanted.orders and order.get("customerId") != wanted.orders[key]:
            yield f"orders/{key} is {order.get('customerId')}'s, not {wanted.orders[key]}'s"
    yield from _spending(stored, customers, wanted, expected)
    if expected.retail is not None:
        yield from expected.retail.wrong_orders(expected.retail_truth(), orders)
        yield from expected.retail.wrong_products(stored.documents(MENU))
    if after_daily_pass:
        yield from _segments(customers, wanted, now)


def _segments(customers: Documents, wanted: Wanted, now: datetime) -> Iterator[str]:
    for customer, figures in wanted.figures.items():
        segment = figures.segment(now)
        if (kept := customers.get(customer, {}).get("segment")) != segment:
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


def nowhere(stored: Stored, text: str) -> Iterator[str]:
    """A text that must not be stored."""
    for path, fields in stored.everything():
        if text in str(fields):
            yield f"{path} says {text!r}"


def status_is_right(stored: Stored, expected: Expectation) -> Iterator[str]:
    """What people see of the sync with each provider, once nothing fails any more."""
    status = stored.document("integrations/pos")
    for each in status.get("providers", [status]):
        if each.get("status") not in ("active", "held"):
            yield f"the status says {each.get('status')} of {each.get('provider')}"
    customers = stored.documents("customers").values()
    living = sum(REMOVED not in customer for customer in customers)
    hostile = expected.records or (expected.retail and expected.retail.records)
    if not hostile and status.get("customersCount") != living:
        yield f"the status says {status.get('customersCount')} customers, not {living}"


def ended_well(run: Fields) -> Iterator[str]:
    """A sync that nothing disturbed."""
    if run.get("state") not in ("succeeded", "partial"):
        yield f"an undisturbed sync {run.get('state')}: {run.get('error')}"


def unchanged(run: Fields, expected: Expectation) -> Iterator[str]:
    """A sync after which nothing had changed."""
    for name, counts in run.get("streams", {}).items():
        for what in ("created", "updated", "deleted"):
            if counts.get(what):
                yield f"an unchanged sync {what} {counts[what]} {name}"
    writes = run.get("cost", {}).get("writes")
    mixed = expected.org is not None and expected.retail is not None
    if writes is None or writes > UNCHANGED_WRITES + mixed * WRITES_OF_ANOTHER:
        yield f"an unchanged sync made {writes} writes"


def _removed(found: Documents, expected: Expectation) -> Iterator[str]:
    for key in sorted(expected.gone() & found.keys()):
        if REMOVED not in found[key]:
            yield f"{key} was deleted at the POS and is not marked"
    if lost := sorted(expected.deleted.stored - found.keys()):
        yield f"{lost} were deleted at the POS and are not stored any more"
    others = expected.others("customers") | expected.others("orders")
    for key in sorted(found.keys() - others):
        if REMOVED in found[key]:
            yield f"{key} is marked as removed, and the POS has it"


def _no_ghosts(customers: Documents, orders: Documents, expected: Expectation) -> Iterator[str]:
    for ghost in sorted(customers.keys() - expected.known()):
        yield f"customers/{ghost} is nobody's at the POS"
    for key, order in orders.items():
        nobodys = key.startswith(IMPORTED) and order.get("customerId") is None
        if not nobodys and order.get("customerId") not in customers:
            yield f"orders/{key} is {order.get('customerId')}'s, who is not stored"


def _same_ids(name: str, found: set[str], wanted: set[str]) -> Iterator[str]:
    if missing := sorted(wanted - found):
        yield f"{len(missing)} of {name} are not stored: {missing[:5]}"
    if more := sorted(found - wanted):
        yield f"{len(more)} of {name} are stored and not the POS's: {more[:5]}"


def _emails(customers: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for customer in customers:
        email = (customer["email"] or "").lower()
        # A hostile customer's e-mail is none that a document could have for its id.
        if email and email != PLACEHOLDER and is_ordinary(customer):
            yield str(customer["id_customer"]), email


def _spending(
    stored: Stored, customers: Documents, figures: Wanted, expected: Expectation
) -> Iterator[str]:
    kept = stored.documents("customer_spending")
    wanted: defaultdict[str, list[Any]] = defaultdict(lambda: [Decimal(0), 0])
    for key, found in figures.figures.items():
        spent, count = found.spent, len(found.moments)
        wanted[f"cid_{key}"] = [spent, count]
        if email := figures.emails.get(key):
            wanted[email] = [wanted[email][0] + spent, wanted[email][1] + count]
        yield from _figures(f"customers/{key}", customers.get(key, {}), [spent, count])
    gone = expected.gone_spending()
    free = {f"cid_{key}" for key in expected.others("customers")} - gone
    free |= expected.emails
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
