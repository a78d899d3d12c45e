"""Whose status an order has: the POS's or another program's."""

import pytest

from shared.domain.orders import StoredStatus, status_to_write

# What the POS said last and what that stood for, the status that is stored; what the POS says now
# and what that stands for; the status that results.
SAME = ("processing", "preparing")
TABLE = [
    # Nobody else has changed it.
    (SAME, "preparing", SAME, "preparing"),
    (SAME, "preparing", ("completed", "completed"), "completed"),
    # Another program has: that holds until the POS says something else,
    (SAME, "ready", SAME, "ready"),
    (SAME, "cancelled", SAME, "cancelled"),
    (SAME, None, SAME, None),
    (SAME, "ready", ("completed", "completed"), "completed"),
    (SAME, "cancelled", ("delivered", "completed"), "completed"),
    # whether or not that is what the other program said,
    (SAME, "completed", ("completed", "completed"), "completed"),
    # and also where both of the POS's words stand for one status.
    (SAME, "ready", ("preparing", "preparing"), "preparing"),
    # Without a word of the POS's the same goes for what its order stands for.
    ((None, "completed"), "cancelled", (None, "completed"), "cancelled"),
    ((None, "pending"), "confirmed", (None, "pending"), "confirmed"),
    ((None, "pending"), "confirmed", (None, "completed"), "completed"),
    ((None, "completed"), "cancelled", ("refunded", "completed"), "completed"),
    (("voided", "cancelled"), "ready", (None, "completed"), "completed"),
    # A word that a newer version understands otherwise.
    (("picked up", "pending"), "pending", ("picked up", "completed"), "completed"),
    (("picked up", "pending"), "ready", ("picked up", "completed"), "completed"),
    # What the word stood for is not known of an order written by an earlier version.
    (("completed", None), "completed", ("completed", "completed"), "completed"),
    (("completed", None), "ready", ("completed", "completed"), "completed"),
    (("completed", None), "ready", ("voided", "cancelled"), "cancelled"),
]


@pytest.mark.parametrize(("before", "stored", "now", "result"), TABLE)
def test_a_status_of_another_program_holds_until_the_pos_changes_its_own(
    before: tuple[str | None, str | None],
    stored: str | None,
    now: tuple[str | None, str],
    result: str | None,
) -> None:
    known = StoredStatus(status=stored, pos_status=before[0], from_pos=before[1])

    written = status_to_write(known, pos_status=now[0], from_pos=now[1])

    assert (stored if written is None else written) == result


def test_the_pos_decides_on_an_order_that_is_not_stored() -> None:
    assert status_to_write(None, pos_status=None, from_pos="completed") == "completed"
