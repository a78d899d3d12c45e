"""Having a POS make customers and orders: each at most once, however often it is asked for.

The POS itself knows no idempotency key. So each call that makes something is sent once; where its
outcome is not known, the next attempt under the same key first looks at the POS whether it is
there. Never prices, never stock.
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

SOUGHT_BACK = timedelta(days=2)
"""How far back the orders are searched for one that may have been made."""

log = structlog.get_logger(__name__)


class OutcomeUnknown(ProviderError):
    """Nobody but a person at the POS can tell whether it was done: it is not done again."""

    code = "outcome_unknown"


class OrderDiffers(ProviderError):
    """The order at the POS does not have the lines that were asked for."""

    code = "order_differs"


@dataclass(frozen=True, slots=True)
class WriteBack:
    """Writes to one account. Each method takes the asker's idempotency key, and raises Busy while
    the same is being done, RequestInvalid for a key that stands for something else, OrgError and
    ProviderError where the POS did not do it: it may then be asked for again under the same key.
    """

    database: Database
    pos: PosWriter
    org_id: str
    clock: Clock

    def create_customer(self, key: str, customer: NewCustomer) -> str:
        """Make a customer; the POS's id."""

        def make(claim: Claim) -> str:
            found = self.pos.find_customer(customer) if claim.doubtful else None
            return found or self.pos.create_customer(customer)

        return self._once(f"customer/{key}", repr(customer), make)

    def submit_order(self, key: str, order: NewOrder) -> str:
        """Make an order: its header, its lines, and a look at whether it came out as asked; the
        POS's id. Raises OrderDiffers where it did not."""

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
        """Give an order of the POS one of its discounts. Raises OutcomeUnknown where an earlier
        attempt may have and the POS does not tell."""

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
            window = DateWindow(today - SOUGHT_BACK, today + timedelta(days=1))
            order_id = self.pos.find_order(order, external_id, window)
        order_id = order_id or self.pos.open_order(order, external_id)
        pos_writes.note(self.database, claim, {"part": order_id})
        return order_id

    def _once(self, key: str, content: str, make: Callable[[Claim], str]) -> str:
        claim = pos_writes.claim(self.database, self.org_id, key, content=content, now=self.clock())
        if claim.result is not None:
            return claim.result
        try:
            made = make(claim)
        except Exception as error:
            said_no = isinstance(error, ProviderRefused | OrgError)
            with suppress(Conflict):
                pos_writes.leave(
                    self.database,
                    claim,
                    self.clock(),
                    doubtful=claim.doubtful if said_no else True,
                )
            raise
        pos_writes.done(self.database, claim, made)
        log.info("pos_write_done")
        return made
