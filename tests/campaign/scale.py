"""The product's own sizes, made smaller with the orgs: an org of 100 customers is to be committed
in as many parts, and listed in as many windows, as one of 10,000."""

from dataclasses import dataclass
from functools import partial

from shared.bootstrap import pos
from shared.domain import order_windows
from shared.outbound.session import HttpSettings
from shared.services.spending import compute, requests
from shared.services.sync import order_listings, session
from shared.store import database
from tests.campaign.exchange import exchange

BACKOFF_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of one seed."""

    writes_per_commit: int
    checkpoint_seconds: float
    checkpoint_writes: int
    rows_per_window: int
    customers_at_once: int
    customers_per_message: int
    everybody_from: int

    def apply(self) -> None:
        """Set them in this process."""
        for module, name, value in (
            (database, "WRITES_PER_COMMIT", self.writes_per_commit),
            (session, "WRITES_PER_COMMIT", self.writes_per_commit),
            (session, "CHECKPOINT_SECONDS", self.checkpoint_seconds),
            (session, "CHECKPOINT_WRITES", self.checkpoint_writes),
            (order_windows, "ROWS_AIMED_AT", self.rows_per_window),
            (order_listings, "ROWS_ACCEPTED", 2 * self.rows_per_window),
            (compute, "CUSTOMERS_AT_ONCE", self.customers_at_once),
            (requests, "CUSTOMERS_PER_MESSAGE", self.customers_per_message),
            (session, "MANY_CUSTOMERS", self.everybody_from),
        ):
            exchange(module, name, value)


def make_impatient() -> None:
    """Wait less between two tries of a call to the POS."""
    exchange(pos, "HttpSettings", partial(HttpSettings, backoff_seconds=BACKOFF_SECONDS))
