"""When may records that the POS no longer lists be removed?"""

from dataclasses import dataclass
from enum import StrEnum

AT_LEAST_TO_HOLD = 10


class Decision(StrEnum):
    """What happens to the records that are gone."""

    NOTHING_GONE = "nothing_gone"
    REMOVE = "remove"
    KEEP = "keep"  # the answer is no proof that anything is gone
    HOLD = "hold"  # believable but drastic: a person decides


@dataclass(frozen=True, slots=True)
class Removal:
    """A decision and, in words for a person, why."""

    decision: Decision
    reason: str


def decide(
    *,
    listed: int,
    stored: int,
    gone: int,
    unreadable: int,
    max_delete_percent: float,
    allowed: bool,
    looked_up: bool = False,
) -> Removal:
    """Decide on ``gone`` of the ``stored`` records after a complete listing of ``listed``.

    ``unreadable`` counts listed records without a readable id: any of them might be one of the
    missing. ``allowed``: a person wants a drastic removal (``allowDeletions``); it never makes an
    empty answer believable. Both do not matter where each record that is gone is ``looked_up``
    before it is removed.
    """
    if gone == 0:
        return Removal(Decision.NOTHING_GONE, "every stored record is still listed")
    if listed == 0 and not looked_up:
        why = f"the POS listed nothing at all: the {stored} stored records are kept"
        return Removal(Decision.HOLD, why)
    if unreadable and not looked_up:
        why = f"{unreadable} listed records have no readable id and may be among the {gone} missing"
        return Removal(Decision.KEEP, why)
    drastic = gone >= AT_LEAST_TO_HOLD and gone * 100 > max_delete_percent * stored
    if drastic and not allowed:
        why = (
            f"{gone} of {stored} records are missing from the POS's list, more than"
            f" {max_delete_percent:g} %: nothing is removed until a person allows it"
        )
        return Removal(Decision.HOLD, why)
    return Removal(Decision.REMOVE, f"{gone} of {stored} records are no longer listed")


HELD = "removal_held"


def held_incident(stream: str) -> str:
    """The kind of the incident of a removal of the stream's records that waits for a person."""
    return HELD if stream == "products" else f"{HELD}_{stream}"
