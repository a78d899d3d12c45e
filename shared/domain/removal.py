"""When may records that the POS no longer lists be removed?"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.wording import counted

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


@dataclass(frozen=True, slots=True)
class AllowedRemovals:
    """The removals that a person allows though they are drastic: every one, or those of these ids
    (``removal_id``)."""

    every: bool = False
    ids: frozenset[str] = frozenset()

    def cover(self, removal: str) -> bool:
        """Whether the removal of that id is allowed."""
        return self.every or removal in self.ids


def removal_id(provider: str, stream: str, record_ids: Iterable[str]) -> str:
    """The id of the removal of just these records of a provider's stream: who allows it by its id
    allows nothing else."""
    named = json.dumps([provider, stream, *sorted(record_ids)])
    return hashlib.blake2b(named.encode(), digest_size=16).hexdigest()


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
        why = f"the POS listed nothing at all: {counted(stored, 'records')} would be missing"
        return Removal(Decision.HOLD, why)
    if unreadable and not looked_up:
        records = counted(unreadable, "records")
        why = f"no id can be read of {records} listed, maybe of the {gone:,} that are missing"
        return Removal(Decision.KEEP, why)
    drastic = gone >= AT_LEAST_TO_HOLD and gone * 100 > max_delete_percent * stored
    if drastic and not allowed:
        why = (
            f"{gone:,} of {stored:,} records are missing from the POS's list, more than"
            f" {max_delete_percent:g}%: nothing is removed until a person allows it"
        )
        return Removal(Decision.HOLD, why)
    return Removal(Decision.REMOVE, f"no longer listed: {gone:,} of {counted(stored, 'records')}")


HELD = "removal_held"


def held_incident(stream: str) -> str:
    """The kind of the incident of a removal of the stream's records that waits for a person."""
    return HELD if stream == "products" else f"{HELD}_{stream}"
