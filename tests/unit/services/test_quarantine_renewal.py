"""The document of a record in quarantine expires only where the record is no longer met."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.clock import Deadline
from shared.pos.port import Page, Rejected
from shared.services.sync.records import LARGEST, Record, StreamRecords
from shared.services.sync.session import Session
from shared.store.database import Put
from shared.store.quarantine import KEPT, RENEWED
from tests.fakes import SteppingClock
from tests.unit.services.sync_in_memory import NOW, MemoryRun, NoRequests

DAY = timedelta(days=1)
TOO_LARGE = Record("7", {"id": "7", "text": "x" * LARGEST})
UNREADABLE = Rejected("7", "bad_money", "The total is no number.", "{}")


def meet_too_large(records: StreamRecords) -> None:
    assert records.changed([TOO_LARGE]) == []


def meet_unreadable(records: StreamRecords) -> None:
    records.count_page(Page(1, (), (UNREADABLE,), 1, None, 1, last=True), expected=None)


@pytest.mark.parametrize("meet", [meet_too_large, meet_unreadable])
def test_a_record_that_stays_in_quarantine_is_written_again_before_it_expires(
    meet: Callable[[StreamRecords], None],
) -> None:
    clock, memory = SteppingClock(NOW), MemoryRun()
    with Session(memory, spending=NoRequests(), clock=clock.now, deadline=Deadline(60)) as session:

        def written() -> list[Put]:
            """What a run writes that meets the record once."""
            memory.writes.clear()
            meet(StreamRecords(session, "orders"))
            session.checkpoint()
            return [
                write
                for write in memory.writes
                if isinstance(write, Put) and "/quarantine/" in write.path
            ]

        # Given a record that is put in quarantine
        (first,) = written()
        assert first.fields["expireAt"] == first.fields["firstSeenAt"] + KEPT == NOW + KEPT

        # When it is met again within half a year, Then nothing is written
        clock.advance(RENEWED - DAY)
        assert written() == []

        # When it is met after that, Then it is kept for another year
        clock.advance(2 * DAY)
        (second,) = written()
        assert second.path == first.path
        assert second.fields["expireAt"] == clock.now() + KEPT
        assert "firstSeenAt" not in second.fields

        # and no more than once
        assert written() == []
