"""Which work an instance takes on, by the memory it has."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from werkzeug.exceptions import TooManyRequests

from shared.admission import MIB, Admission, NoRoom, resident_bytes
from shared.bus.messages import CronTick
from shared.clock import utc_now
from shared.entry import MessageConsumer
from tests.spans import delivered
from tests.unit.services.sync_in_memory import EmptyDatabase

LIMIT_MB, ROOM_MB = 1_000, 200


class Memory:
    """What an instance uses, in MiB."""

    def __init__(self, used_mb: int) -> None:
        self.used_mb = used_mb

    def resident(self) -> int:
        return self.used_mb * MIB


@pytest.fixture
def under_way() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_work_is_taken_on_as_long_as_there_is_memory_for_one_more(under_way: ExitStack) -> None:
    memory = Memory(100)
    admission = Admission(LIMIT_MB, room_mb=ROOM_MB, resident=memory.resident)
    under_way.enter_context(admission.admitted())

    memory.used_mb = LIMIT_MB - ROOM_MB
    under_way.enter_context(admission.admitted())
    memory.used_mb += 1

    with pytest.raises(NoRoom, match="2 at work here"), admission.admitted():
        pytest.fail("there is no memory for a third")


def test_an_instance_that_has_grown_still_works_on_one_thing_at_a_time() -> None:
    admission = Admission(LIMIT_MB, room_mb=ROOM_MB, resident=Memory(LIMIT_MB).resident)

    with admission.admitted(), pytest.raises(NoRoom), admission.admitted():
        pytest.fail("there is no memory for a second")
    with admission.admitted():
        pass


def test_work_that_fails_makes_room_too() -> None:
    admission = Admission(LIMIT_MB, room_mb=ROOM_MB, resident=Memory(LIMIT_MB).resident)

    with pytest.raises(ZeroDivisionError), admission.admitted():
        raise ZeroDivisionError

    with admission.admitted():
        pass


def test_without_a_limit_everything_is_taken_on(under_way: ExitStack) -> None:
    admission = Admission(resident=Memory(LIMIT_MB).resident)

    for _ in range(100):
        under_way.enter_context(admission.admitted())


def test_the_memory_of_this_process_is_known() -> None:
    assert 10 * MIB < resident_bytes() < 10_000 * MIB


def test_a_message_that_there_is_no_memory_for_is_answered_429(under_way: ExitStack) -> None:
    # Given an instance at work, with its memory used up
    admission = Admission(LIMIT_MB, room_mb=ROOM_MB, resident=Memory(LIMIT_MB).resident)
    under_way.enter_context(admission.admitted())
    handled: list[CronTick] = []
    consumer = MessageConsumer(
        "cron-tick",
        CronTick,
        lambda message, _: handled.append(message),
        EmptyDatabase(),
        utc_now,
        admission,
    )

    # When a message comes, then it is refused, to be delivered again
    with pytest.raises(TooManyRequests):
        consumer(delivered(b'{"job": "pos-sync"}', {}))
    assert handled == []

    # And once the work is done it is taken
    under_way.close()
    consumer(delivered(b'{"job": "pos-sync"}', {}))
    assert [message.job for message in handled] == ["pos-sync"]
