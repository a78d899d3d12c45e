"""The status on orders that one invocation meets several times, its writes still on their way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared.domain.orders import Order, OrderStatus, OrderType
from shared.pos.port import Page, page_of
from shared.services.sync.orders import OrderStream
from shared.services.sync.session import Session
from shared.store import paths
from shared.store.database import Document, Write
from shared.store.manifest import distrust, unsettled
from shared.store.writes import outcome
from tests.sample_orders import sample_order
from tests.unit.services.sync_in_memory import NOW, ORG, EmptyDatabase, MemoryRun, session_in

PATH = f"{paths.orders(ORG)}/alleaves_7"
PREPARING = sample_order(
    NOW,
    external_id="7",
    pos_customer_id="11",
    status=OrderStatus.PREPARING,
    pos_status="processing",
    type=OrderType.PICKUP,
)
COMPLETED = replace(PREPARING, status=OrderStatus.COMPLETED, pos_status="completed")


class Everybody:
    """A directory of all customers there could be."""

    def has(self, customer_id: str) -> bool:
        return True

    def by_email(self, emails: Iterable[str]) -> Mapping[str, str]:
        return {}

    def by_user_id(self, user_ids: Iterable[str]) -> Mapping[str, str]:
        return {}


class KeptDocuments(EmptyDatabase):
    """A Firestore whose documents are in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[str, dict[str, Any]] = {}

    def get_all(
        self, paths: Sequence[str], fields: Sequence[str] | None = None
    ) -> dict[str, Document]:
        self.meter.add(reads=len(paths))
        return {path: self._document(path) for path in paths}

    def _document(self, path: str) -> Document:
        found = self.documents.get(path)
        version = NOW if found else None
        return Document(path.rpartition("/")[2], found or {}, version, NOW, path)


class StoringRun(MemoryRun):
    """A run whose writes can be read."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = KeptDocuments()
        self.database = self.kept

    def commit(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        super().commit(writes, unsettled)
        for write in writes:
            fields = outcome(write, self.kept.documents.get(write.path))
            if fields is not None:
                self.kept.documents[write.path] = fields

    checkpoint = hand_over = end = commit


def page(order: Order) -> Page[Order]:
    return page_of(1, [order], total=1, requests=1, last=True)


def stored_status(memory: StoringRun) -> tuple[Any, ...]:
    fields = memory.kept.documents[PATH]
    return tuple(fields.get(name) for name in ("status", "posStatus", "statusFromPos"))


@pytest.mark.parametrize("kept", [False, True], ids=["new", "known"])
def test_a_status_that_the_pos_takes_back_at_once_is_not_held_for_another_programs(
    kept: bool,
) -> None:
    # Given an order, new or stored before
    memory = StoringRun()
    with session_in(memory) as session:
        stream = OrderStream(session, Everybody())
        if kept:
            stream.store_page(page(PREPARING), expected=None)
            session.checkpoint()

        # When one invocation meets it completed, then as it was, before anything is committed
        for order in (COMPLETED, PREPARING):
            stream.store_page(page(order), expected=None)
        session.flush()

    # Then
    assert stored_status(memory) == ("preparing", "processing", "preparing")


def test_a_status_of_another_program_is_left_alone_even_if_it_changes_at_this_moment() -> None:
    # Given a stored order
    memory = StoringRun()
    with session_in(memory) as session:
        stream = OrderStream(session, Everybody())
        stream.store_page(page(PREPARING), expected=None)
        session.checkpoint()

        # When its total changes, and another program comes between the read and the write
        stream.store_page(page(replace(PREPARING, total_cents=100)), expected=None)
        memory.kept.documents[PATH]["status"] = "ready"
        session.flush()

    # Then
    assert stored_status(memory) == ("ready", "processing", "preparing")
    assert memory.kept.documents[PATH]["total"] == 1.0


def test_new_and_unchanged_orders_are_not_read() -> None:
    memory = StoringRun()
    with session_in(memory) as session:
        stream = OrderStream(session, Everybody())
        before = memory.database.meter.reads
        stream.store_page(page(PREPARING), expected=None)
        session.checkpoint()
        stream.store_page(page(PREPARING), expected=None)
        assert memory.database.meter.reads == before

        # One that changed is read once
        stream.store_page(page(COMPLETED), expected=None)
        assert memory.database.meter.reads == before + 1


def skipped_before(session: Session) -> OrderStream:
    """A stream whose manifest says that the order is skipped."""
    stream = OrderStream(session, Everybody())
    session.manifests["orders"].skip("alleaves_7", b"12345678")
    session.manifests["orders"].take_writes()
    return stream


def test_a_skipped_order_that_a_dead_worker_has_stored_keeps_another_programs_status() -> None:
    # Given an order that was skipped, and stored by a worker that died before it had noted it
    memory = StoringRun()
    with session_in(memory) as session:
        skipped_before(session).store_page(page(PREPARING), expected=None)
        session.flush()
        left = unsettled(session.manifests)

    # When another program changes the status before the next worker comes
    memory.kept.documents[PATH]["status"] = "ready"
    with session_in(memory) as session:
        stream = skipped_before(session)
        distrust(session.manifests, left)
        stream.store_page(page(PREPARING), expected=None)
        session.flush()

    # Then
    assert stored_status(memory) == ("ready", "processing", "preparing")
