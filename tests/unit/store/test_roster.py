"""The roster of orgs, as ticks keep it."""

from datetime import UTC, datetime, timedelta

from shared.domain.runs import NEW_FOR
from shared.store import locations
from shared.store.locations import Roster

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def ticked(before: Roster | None, orgs: list[str], now: datetime) -> Roster:
    """The roster after a tick, as it is read back."""
    fields = locations.put_roster(before, orgs, now).fields
    packed: bytes = fields["known"]
    known = frozenset(packed[at : at + 8] for at in range(0, len(packed), 8))
    return Roster(fields["tickedAt"], fields["recent"], known)


def test_orgs_are_new_for_a_day_and_known_afterwards() -> None:
    first = ticked(None, ["a", "b"], START)
    later = ticked(first, ["a", "b", "c"], START + timedelta(hours=1))
    next_day = ticked(later, ["a", "b", "c"], START + NEW_FOR)

    assert first.recent == {"a": START, "b": START}
    assert later.recent == {"a": START, "b": START, "c": START + timedelta(hours=1)}
    assert next_day.recent == {"c": START + timedelta(hours=1)}
    assert len(next_day.known) == 3


def test_an_org_that_left_is_forgotten() -> None:
    first = ticked(None, ["a", "b"], START)
    without = ticked(first, ["a"], START + NEW_FOR)
    back = ticked(without, ["a", "b"], START + 2 * NEW_FOR)

    assert back.recent == {"b": START + 2 * NEW_FOR}


def test_a_hundred_thousand_orgs_fit_in_a_document() -> None:
    orgs = [f"org_with_quite_a_long_name_{number:06}" for number in range(100_000)]
    fields = locations.put_roster(None, orgs, START).fields

    size = len(fields["known"]) + sum(len(org) + 24 for org in fields["recent"])
    assert size < 950_000
    assert len(fields["recent"]) == locations.NEW_LIMIT
