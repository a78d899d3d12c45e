"""Which work an instance takes on, by the memory it has."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from shared.admission import MIB, Admission, NoRoom, resident_bytes

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
