"""What Sync Sam may have a POS make."""

from decimal import Decimal

import pytest

from shared.domain.write_back import NewCustomer, NewOrder, OrderLine


@pytest.mark.parametrize(
    ("email", "phone"), [("robin@example.com", None), (None, "+12125550123"), ("a@b.example", "1")]
)
def test_a_new_customer_can_be_told_again_by_an_e_mail_or_a_number(
    email: str | None, phone: str | None
) -> None:
    customer = NewCustomer("Robin", "Example", email, phone)
    assert (customer.email, customer.phone) == (email, phone)


@pytest.mark.parametrize(
    ("email", "phone"),
    [(None, None), ("", ""), ("", None), ("no-email@alleaves.local", None), (None, "none")],
)
def test_a_new_customer_without_either_is_refused(email: str | None, phone: str | None) -> None:
    with pytest.raises(ValueError, match="e-mail or a telephone"):
        NewCustomer("Robin", "Example", email, phone)


def order(*quantities: str) -> NewOrder:
    lines = tuple(OrderLine("1001", "1", Decimal(quantity)) for quantity in quantities)
    return NewOrder("7", "1000", "pickup", lines)


@pytest.mark.parametrize("quantities", [("1",), ("0.5", "2")])
def test_an_order_is_of_lines_of_more_than_nothing(quantities: tuple[str, ...]) -> None:
    assert len(order(*quantities).lines) == len(quantities)


@pytest.mark.parametrize("quantities", [(), ("0",), ("-1",), ("2", "0")])
def test_an_order_without_lines_or_with_an_empty_one_is_refused(
    quantities: tuple[str, ...],
) -> None:
    with pytest.raises(ValueError, match="needs lines"):
        order(*quantities)
