"""The port through which a point of sale is asked to make something."""

from typing import Protocol

from shared.domain.order_windows import DateWindow
from shared.domain.write_back import NewCustomer, NewOrder, OrderLine, PlacedOrder


class PosWriter(Protocol):
    """What may be made at a POS: customers and orders, never prices or stock.

    Each call that makes something is sent once. Where it raises a ProviderError other than
    ProviderRefused, it may have been done: whoever asked must look before asking again.
    """

    def create_customer(self, customer: NewCustomer) -> str:
        """Make a customer; the POS's id."""
        ...

    def find_customer(self, customer: NewCustomer) -> str | None:
        """The id of the customer with the same e-mail, or where none is given the same telephone
        number, if there is one."""
        ...

    def open_order(self, order: NewOrder, external_id: str) -> str:
        """Make an order without lines, under an id of our own; the POS's id."""
        ...

    def find_order(self, order: NewOrder, external_id: str, window: DateWindow) -> str | None:
        """The POS's id of the order made under an id of our own within the window, if any.
        Raises ReplyUnreadable where the POS does not tell."""
        ...

    def add_line(self, order_id: str, line: OrderLine) -> None:
        """Add a line to an order."""
        ...

    def give_discount(self, order_id: str, discount_id: str) -> None:
        """Give an order a discount of the account."""
        ...

    def placed(self, order_id: str) -> PlacedOrder:
        """An order as it stands at the POS."""
        ...
