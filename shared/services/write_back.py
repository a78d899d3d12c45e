"""Creating customers and orders at a POS, each at most once per idempotency key.

The POS itself has no such keys. So each call that creates something is sent once; if its outcome is
unknown, the next attempt under the same key first searches the POS for it. Prices and stock are
never written.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from shared.clock import Clock
from shared.domain.order_windows import DateWindow
from shared.domain.write_back import NewCustomer, NewOrder
from shared.errors import OrgError, ProviderError, ProviderRefused
from shared.pos.port import PosWriter
from shared.store import pos_writes
from shared.store.database import Conflict, Database
from shared.store.pos_writes import Claim

SEARCHED_BACK = timedelta(days=2)
"""How far back the orders are searched for one that may have been created."""

log = structlog.get_logger(__name__)


class OutcomeUnknown(ProviderError):
    """Only a person at the POS can find out whether it was done; it is not tried again."""

    code = "outcome_unknown"


class OrderDiffers(ProviderError):
    """The order at the POS has other lines than requested."""

    code = "order_differs"


@dataclass(frozen=True, slots=True)
class WriteBack:
    """Writes to one account under the caller's idempotency keys. Methods raise Busy while the same
    is being done, RequestInvalid for a key that was used for something else, OrgError and
    ProviderError where the POS did not do it: it may then be tried again under the same key."""

    database: Database
    pos: PosWriter
    org_id: str
    clock: Clock

    def create_customer(self, key: str, customer: NewCustomer) -> str:
        """Create a customer; returns the POS's id."""

        def make(claim: Claim) -> str:
            found = self.pos.find_customer(customer) if claim.doubtful else None
            return found or self.pos.create_customer(customer)

        return self._once(f"customer/{key}", repr(customer), make)

    def submit_order(self, key: str, order: NewOrder) -> str:
        """Create an order, header first, then its lines; returns the POS's id. Raises OrderDiffers
        where the result has other lines than requested."""

        def make(claim: Claim) -> str:
            order_id = claim.part or self._opened(claim, f"{self.org_id}/{key}", order)
            there = len(self.pos.placed(order_id).quantities)
            for line in order.lines[there:]:
                self.pos.add_line(order_id, line)
            if self.pos.placed(order_id).quantities != tuple(x.quantity for x in order.lines):
                raise OrderDiffers(f"order {order_id} at the POS has other lines than asked for")
            return order_id

        return self._once(f"order/{key}", repr(order), make)

    def apply_discount(self, key: str, order_id: str, discount_id: str) -> None:
        """Apply one of the POS's discounts to one of its orders. Raises OutcomeUnknown where an
        earlier attempt may have done so and the POS does not say."""

        def make(claim: Claim) -> str:
            if claim.doubtful:
                given = self.pos.placed(order_id).discount_ids
                if given is None:
                    raise OutcomeUnknown(f"see at the POS whether order {order_id} has it already")
                if discount_id in given:
                    return order_id
            self.pos.give_discount(order_id, discount_id)
            return order_id

        self._once(f"discount/{key}", f"{order_id}/{discount_id}", make)

    def _opened(self, claim: Claim, external_id: str, order: NewOrder) -> str:
        order_id = None
        if claim.doubtful:
            today = self.clock().date()
            window = DateWindow(today - SEARCHED_BACK, today + timedelta(days=1))
            order_id = self.pos.find_order(order, external_id, window)
        order_id = order_id or self.pos.open_order(order, external_id)
        pos_writes.update(self.database, claim, {"part": order_id})
        return order_id

    def _once(self, key: str, content: str, make: Callable[[Claim], str]) -> str:
        claim = pos_writes.claim(self.database, self.org_id, key, content=content, now=self.clock())
        if claim.result is not None:
            return claim.result
        try:
            made = make(claim)
        except Exception as error:
            refused = isinstance(error, ProviderRefused | OrgError)
            with suppress(Conflict):
                pos_writes.release(
                    self.database, claim, self.clock(), doubtful=claim.doubtful or not refused
                )
            raise
        pos_writes.complete(self.database, claim, made)
        log.info("pos_write_done")
        return made
