"""Everybody's figures, counted once more from the POS's own orders.

The orders of the POS are counted as the POS has them, whatever is stored of them; beside these only
what no POS has: imported orders of the web shop that no sale has superseded, and orders of other
programs.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from shared.domain.customers import identifies
from shared.domain.ids import natural_key
from shared.domain.orders import document_id
from shared.domain.providers import LIGHTSPEED
from shared.services.verification.pos_side import PosOrder, PosSide
from shared.services.verification.recount import NOTHING, Figures, Money, count
from shared.services.verification.stored_side import StoredOrder, StoredSide


@dataclass(slots=True)
class Recount:
    """Everybody's figures and e-mails, by the orders of all of an org's providers. ``verified`` are
    the customers whose own figures are compared: those of other programs only count for an e-mail.
    ``excused`` are those who are missing or strays, and so found already."""

    figures: dict[str, Figures] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    verified: set[str] = field(default_factory=set)
    excused: set[str] = field(default_factory=set)
    statuses: list[str] = field(default_factory=list)
    counted: Figures = NOTHING

    @property
    def by_email(self) -> dict[str, list[str]]:
        """The customers who have each e-mail, sorted by id."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for customer_id in sorted(self.emails, key=natural_key):
            found[self.emails[customer_id]].append(customer_id)
        return found


def recount(sides: Sequence[PosSide], stored: StoredSide, unwanted: "Unwanted") -> Recount:
    """Count everybody's orders once more; of an imported order that has become a sale only the
    sale."""
    found = Recount()
    bought: defaultdict[str, list[Money]] = defaultdict(list)
    for owner, money in _orders(sides, stored, unwanted):
        bought[owner].append(money)
        found.statuses.append(money.status or "none")
    found.counted = count(money for theirs in bought.values() for money in theirs)
    for customer_id, email in _people(sides, stored, found):
        found.figures[customer_id] = count(bought.get(customer_id, ()))
        if email and identifies(email):
            found.emails[customer_id] = email
    return found


def _people(
    sides: Sequence[PosSide], stored: StoredSide, found: Recount
) -> Iterator[tuple[str, str | None]]:
    """Everybody who should be stored, with their e-mails; notes who is verified or excused."""
    unsure = {i for side in sides for i in side.unsure["customers"]}
    listed = {i for side in sides for i in side.customers} - unsure
    for side in sides:
        for customer_id, pos in side.customers.items():
            if customer_id in unsure:
                continue
            known = stored.customers.get(customer_id)
            if known is None:
                found.excused.add(customer_id)
            elif not known.removed:
                found.verified.add(customer_id)
            yield customer_id, pos.email
    verified = {side.provider for side in sides}
    kept = {i for side in sides for i in side.kept}
    for customer_id, known in stored.customers.items():
        if customer_id in listed or known.removed:
            continue
        if customer_id in kept:
            found.verified.add(customer_id)
            yield customer_id, known.email
        elif known.source in verified and customer_id not in unsure:
            found.excused.add(customer_id)
        else:
            yield customer_id, known.email


Unwanted = Callable[[StoredOrder], bool]
"""Whether a stored order is of days that are not listed any more."""


def _orders(
    sides: Sequence[PosSide], stored: StoredSide, unwanted: Unwanted
) -> Iterator[tuple[str, Money]]:
    """Owner and money of each order that should be stored."""
    listed: set[str] = set()
    for side in sides:
        unsure = side.unsure["orders"]
        for key, pos in side.orders.items():
            known = stored.orders.get(key)
            if key in unsure or pos.owner is None or (pos.optional and known is None):
                continue  # what is stored of it stands
            listed.add(key)
            yield pos.owner, _as_overridden(pos, known)
    verified = {side.provider: side for side in sides}
    listed |= sales_of(sides, stored).keys()
    for key, known in stored.orders.items():
        if key in listed or known.left_out or known.money is None or known.owner is None:
            continue
        own = verified.get(known.source or "")
        there = own and (key in own.orders or key in own.unsure["orders"])
        if own is None or there or unwanted(known):
            yield known.owner, known.money


def sales_of(sides: Sequence[PosSide], stored: StoredSide) -> dict[str, str]:
    """The imported orders that should be superseded, each with the document of its sale."""
    found: dict[str, str] = {}
    if not stored.imported:
        return found
    numbers = {o.number: key for key, o in stored.imported.items() if o.number}
    for side in sides:
        if side.provider != LIGHTSPEED:
            continue
        named = {
            document_id(side.provider, o.sale_id): key
            for key, o in stored.imported.items()
            if o.sale_id
        }
        for sale, pos in side.orders.items():
            imported = numbers.get(pos.ecom_number or "") or named.get(sale)
            if imported and pos.money.cents >= 0 and pos.owner:
                found[imported] = sale
    return found


def _as_overridden(pos: PosOrder, known: StoredOrder | None) -> Money:
    """An order's money with its status; the one that another program gave it stays as long as the
    POS's own is the same."""
    if known is None or known.money is None or known.from_pos != pos.money.status:
        return pos.money
    return pos.money._replace(status=known.money.status)
