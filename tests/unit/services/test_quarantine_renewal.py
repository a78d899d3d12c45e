"""The document of a record in quarantine expires only where the record is no longer met."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.orders import Order
from shared.pos.port import Page, Rejected
from shared.services.sync.records import LARGEST, Record, StreamRecords
from shared.store.database import Put, Remove
from shared.store.quarantine import KEPT, RENEWED, UNMET
from tests.fakes import SteppingClock
from tests.unit.services.sync_in_memory import NOW, ORG, MemoryRun, session_in

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
    with session_in(memory, clock.now) as session:

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

        # When it is met again within a month, Then nothing is written
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


def test_an_order_that_no_list_has_any_more_leaves_quarantine() -> None:
    # Given two orders in quarantine, of which one is met again every month
    clock, memory = SteppingClock(NOW), MemoryRun()
    other = replace(UNREADABLE, record_id="8")
    with session_in(memory, clock.now) as session:
        both: Page[Order] = Page(1, (), (UNREADABLE, other), 2, None, 1, last=True)
        StreamRecords(session, "orders").count_page(both, expected=None)
        session.checkpoint()

        def removed() -> list[str]:
            memory.writes.clear()
            records = StreamRecords(session, "orders")
            meet_unreadable(records)
            records.release_unmet()
            session.checkpoint()
            return [w.path for w in memory.writes if isinstance(w, Remove)]

        # When it could still be listed, Then it stays
        clock.advance(RENEWED + DAY)
        assert removed() == []

        # When all days have been listed without it, Then it goes, and the other stays
        clock.advance(UNMET - RENEWED)
        assert removed() == [f"tenants/{ORG}/quarantine/orders_8"]
        assert removed() == []
