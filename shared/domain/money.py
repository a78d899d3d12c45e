"""Money: integer cents inside, a number of dollars at the edges."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

_ABSURD_DOLLARS = Decimal(10_000_000)


def round_half_up(number: Decimal) -> int:
    """The nearest whole number; of two equally near ones that further from zero."""
    return int(number.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def to_cents(dollars: object) -> int:
    """Cents of an amount in dollars as a POS sends it (number or numeric text), rounded half up.

    Raises ValueError for anything that is not a finite amount below ten million dollars.
    """
    if dollars is None or isinstance(dollars, bool):
        raise ValueError("not an amount of money")
    try:
        amount = Decimal(str(dollars).strip())
    except InvalidOperation:
        raise ValueError("not an amount of money") from None
    if not amount.is_finite() or abs(amount) >= _ABSURD_DOLLARS:
        raise ValueError("not a believable amount of money")
    return int(amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP) * 100)


def sum_to_cents(dollars: float) -> int:
    """Cents of a sum of stored amounts that Firestore made in doubles, rounded half up."""
    return round_half_up(Decimal(str(dollars)) * 100)


def to_dollars(cents: int) -> float:
    """Dollars as stored in Firestore: the double nearest to the exact amount in cents."""
    return cents / 100


def dollars_or_none(cents: int | None) -> float | None:
    """``to_dollars`` of an amount that may be unknown."""
    return None if cents is None else cents / 100


def average_cents(total_cents: int, count: int) -> int:
    """Average in whole cents, rounded half up (away from zero); 0 over a count of 0."""
    return round_half_up(Decimal(total_cents) / count) if count else 0
