"""What customers have spent: recomputed from the stored orders, for each record and each e-mail.

Two computations of the same customer may run at once. Each reads the customer's ``cid_`` document
before the orders and writes only if that document is still the same, so that the one with the
older view of the orders is refused and starts again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from shared.bus.messages import ComputeSpending
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.domain.identity import natural
from shared.domain.segmentation import segment_of
from shared.domain.spending import Spending, fold
from shared.errors import RetryLater
from shared.store import customers, paths, spending
from shared.store.database import Conflict, Database, Remove, Write
from shared.store.spending import Member

CUSTOMERS_AT_ONCE = 100
CUSTOMERS_PER_MESSAGE = 300
ATTEMPTS = 5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ComputeSpendings:
    """Computes and keeps spending and segment of customers."""

    database: Database
    spending: Publisher
    clock: Clock

    def __call__(self, message: ComputeSpending) -> None:
        """Recompute the customers of the message; for all of an org, ask for each part of it.

        Raises RetryLater when others keep changing the same customers.
        """
        if message.customer_ids is None:
            self._ask_for_all(message)
            return
        wanted = sorted(set(message.customer_ids), key=natural)
        written = 0
        for start in range(0, len(wanted), CUSTOMERS_AT_ONCE):
            chunk = wanted[start : start + CUSTOMERS_AT_ONCE]
            written += self._compute(message.org_id, chunk)
        log.info("spending_computed", customers=len(wanted), writes=written)

    def _ask_for_all(self, message: ComputeSpending) -> None:
        found = self.database.query(paths.customers(message.org_id), select=())
        ids = [document.id for document in found]
        self.spending.publish(
            message.model_copy(
                update={"customer_ids": tuple(ids[start : start + CUSTOMERS_PER_MESSAGE])}
            )
            for start in range(0, len(ids), CUSTOMERS_PER_MESSAGE)
        )

    def _compute(self, org_id: str, customer_ids: Sequence[str]) -> int:
        for _ in range(ATTEMPTS):
            writes = Computation(self.database, org_id, self.clock()).writes(customer_ids)
            try:
                self.database.commit(writes)
            except Conflict:
                continue
            return len(writes)
        raise RetryLater("other computations keep changing the same customers")


@dataclass(frozen=True, slots=True)
class Computation:
    """One look at the orders of some customers, and of those who share an e-mail with them."""

    database: Database
    org_id: str
    now: datetime

    def writes(self, customer_ids: Sequence[str]) -> list[Write]:
        """The writes after which everything stored about them agrees with their orders."""
        people = spending.members(self.database, self.org_id, customer_ids)
        emails = {m.email for m in people.values() if m.email}
        emails |= {m.own.fields["email"] for m in people.values() if m.own.fields.get("email")}
        groups = self._groups(emails)
        others = sorted({i for ids in groups.values() for i in ids} - people.keys(), key=natural)
        people |= spending.members(self.database, self.org_id, others)
        by_email = self.database.get_all([spending.path(self.org_id, e) for e in sorted(emails)])
        facts = spending.order_facts(self.database, self.org_id, people)
        spent = {customer_id: fold(facts[customer_id]) for customer_id in people}

        writes: dict[str, Write] = {}
        for email, ids in groups.items():
            stored = by_email[spending.path(self.org_id, email)]
            together = self._of_email(email, ids, spent)
            if together is None:
                if stored.exists:
                    writes[email] = Remove(spending.path(self.org_id, email))
            elif spending.differs(stored, together):
                writes[email] = spending.put_by_email(self.org_id, email, together, self.now)
        for member in people.values():
            touched = member.email in writes
            writes |= self._of_customer(member, spent[member.id], touched=touched)
        return list(writes.values())

    def _groups(self, emails: Iterable[str]) -> Mapping[str, list[str]]:
        """Ids of the customers that have each e-mail, in natural order."""
        wanted = sorted(emails)
        groups: dict[str, list[str]] = {email: [] for email in wanted}
        for email, customer_id in customers.having(self.database, self.org_id, "email", wanted):
            groups[email].append(customer_id)
        return {email: sorted(ids, key=natural) for email, ids in groups.items()}

    def _of_email(
        self, email: str, ids: Sequence[str], spent: Mapping[str, Spending]
    ) -> dict[str, object] | None:
        known = [customer_id for customer_id in ids if customer_id in spent]
        if not known:
            return None
        total = sum((spent[customer_id] for customer_id in known), Spending())
        return spending.document_of(total, org_id=self.org_id, customer_id=known[0], email=email)

    def _of_customer(self, member: Member, spent: Spending, *, touched: bool) -> dict[str, Write]:
        """Writes for one customer. ``touched``: the e-mail's document is written, so this one's
        version must be checked although it may not change."""
        fields = spending.document_of(
            spent, org_id=self.org_id, customer_id=member.id, email=member.email
        )
        segment = segment_of(
            order_count=spent.order_count,
            spent_cents=spent.total_cents,
            last_order_at=spent.last_order_at,
            now=self.now,
        )
        update = spending.customer_update(self.org_id, member, spent, segment, self.now)
        writes: dict[str, Write] = {}
        if touched or update or spending.differs(member.own, fields):
            key = spending.id_key(member.id)
            writes[key] = spending.put_by_id(self.org_id, member, fields, self.now)
        if update:
            writes[f"customer {member.id}"] = update
        return writes
