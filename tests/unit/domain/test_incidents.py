"""An incident is told once to each address, however it is met."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.domain.incidents import KEPT, MANY_ATTEMPTS, SENDING, Incident

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ADDRESSES = ("a", "b")


def opened() -> Incident:
    return Incident(key="removal_held", title="A", body="B", opened_at=START)


def test_an_open_incident_nobody_has_heard_of_is_due() -> None:
    assert opened().due(START)


def test_while_one_sends_it_is_not_due_for_another() -> None:
    claimed = opened().claimed(START)

    assert claimed.attempts == 1
    assert not claimed.due(START)
    assert not claimed.due(START + SENDING - timedelta(seconds=1))
    assert claimed.due(START + SENDING), "the sender may have died"


def test_what_everybody_has_is_never_due_again() -> None:
    sent = opened().claimed(START).sent({"a"}, left=0, now=START)

    assert sent.sent_at == START
    assert not sent.due(START + 1000 * DAY)


def test_an_incident_expires_only_after_it_was_resolved() -> None:
    sent = opened().claimed(START).sent({"a"}, left=0, now=START)

    assert sent.expire_at is None
    assert sent.resolved(START + DAY).expire_at == START + DAY + KEPT


def test_what_failed_is_due_when_it_is_met_next() -> None:
    failed = opened().claimed(START).sent({"a"}, left=1, now=START)

    assert failed.told == ("a",)
    assert failed.sent_at is None
    assert failed.due(START)


def test_what_keeps_failing_is_due_once_a_day() -> None:
    incident = opened()
    for _ in range(MANY_ATTEMPTS):
        assert incident.due(START)
        incident = incident.claimed(START).sent(set(), left=1, now=START)

    # However often it is tried from then on
    now = START
    for _ in range(3):
        assert not incident.due(now + DAY - timedelta(seconds=1))
        now += DAY
        assert incident.due(now)
        incident = incident.claimed(now).sent(set(), left=1, now=now)


def test_without_addresses_it_is_looked_at_once_a_day() -> None:
    untold = opened().claimed(START).sent(set(), left=0, now=START)

    assert untold.sent_at is None
    assert not untold.due(START + timedelta(hours=1))


def test_what_is_over_is_not_due() -> None:
    assert not opened().resolved(START).due(START)


def test_who_has_it_is_kept_in_one_order() -> None:
    first = opened().claimed(START).sent({"e", "b", "d"}, left=3, now=START)
    second = first.claimed(START).sent({"f", "a", "c"}, left=0, now=START)

    assert first.told == ("b", "d", "e")
    assert second.told == ("a", "b", "c", "d", "e", "f")


def test_an_incident_survives_being_stored_and_what_a_later_version_adds() -> None:
    sent = opened().claimed(START).sent({"a"}, left=1, now=START)

    stored = sent.model_dump(by_alias=True)

    assert stored["openedAt"] == START
    assert Incident.model_validate({**stored, "addedLater": 1}) == sent


class Telling(RuleBasedStateMachine):
    """Runs meet an incident while services come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.incident = opened()
        self.now = START
        self.received: list[str] = []

    @rule(minutes=st.integers(1, 3000))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(working=st.sets(st.sampled_from(ADDRESSES)))
    def a_run_meets_it(self, working: set[str]) -> None:
        if not self.incident.due(self.now):
            return
        self.incident = self.incident.claimed(self.now)
        left = set(ADDRESSES) - set(self.incident.told)
        took = left & working
        self.received += sorted(took)
        self.incident = self.incident.sent(took, left=len(left - took), now=self.now)

    @invariant()
    def nobody_is_told_twice(self) -> None:
        assert len(self.received) == len(set(self.received))

    @invariant()
    def it_counts_as_sent_once_everybody_has_it(self) -> None:
        assert (self.incident.sent_at is not None) == (set(self.received) == set(ADDRESSES))


TestTelling = Telling.TestCase
TestTelling.settings = settings(max_examples=50, stateful_step_count=20)
