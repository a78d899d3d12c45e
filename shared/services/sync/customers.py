"""The customers stream: every customer of every account, each time."""

from collections.abc import Sequence

from shared.domain.customers import Customer
from shared.errors import ListingIncomplete
from shared.pos.base import PosClient
from shared.services.sync.directory import Listed
from shared.services.sync.records import Changed, Record, StreamRecords
from shared.services.sync.session import Session
from shared.store import customers
from shared.store.database import Put
from shared.store.manifest import STORED
from shared.store.runs import Position

STREAM = "customers"
BELIEVABLE_SHARE = 0.8
"""A list without a total that is shorter than this share of the last one was cut short."""


def sync_customers(session: Session, clients: Sequence[PosClient]) -> Listed | None:
    """Store every customer; afterwards orders can be matched. Returns who was listed, unless a
    part of the list went by in an earlier invocation.

    The same customer in two accounts is taken from the first. Raises ListingIncomplete where far
    fewer are listed than are known (orders are not matched against half a list), and OutOfTime
    when the deadline passes; the next invocation goes on behind the last page kept.
    """
    records = StreamRecords(session, STREAM)
    known = records.manifest.count(STORED)
    seen: set[str] = set()
    everybody = Listed()
    whole = session.run.customers_at == Position()
    for account in range(session.run.customers_at.account, len(clients)):
        start = session.run.customers_at.page
        for page in clients[account].customers(expected=known // len(clients), start_page=start):
            with session.lock:
                records.count_page(page, expected=known)
                fresh = [c for c in page.records if c.id not in seen]
                seen.update(c.id for c in fresh)
                everybody.add(fresh)
                store_customers(session, records, fresh)
                session.run.customers_at = Position(account=account, page=page.number + 1)
                session.checkpoint_if_due()
            if not page.last:
                session.deadline.check()
        session.run.customers_at = Position(account=account + 1)
    listed = records.tally.fetched
    if listed < known * BELIEVABLE_SHARE:
        raise ListingIncomplete(
            f"the POS listed {listed} customers where {known} are known: orders wait until the"
            " list is whole again"
        )
    session.progress.customers_complete_at = session.now()
    if not whole:
        return None
    with session.lock:
        records.release_others()
    return everybody


def store_customers(session: Session, records: StreamRecords, listed: Sequence[Customer]) -> None:
    """Store those of the customers that changed."""

    def put(change: Changed) -> list[Put]:
        record = change.record
        return [
            customers.put(
                session.org_id,
                dict(record.fields),
                now=session.now(),
                first=change.first,
                version=record.version,
            )
        ]

    changed = records.changed(
        Record(c.id, customers.fields_of(c, session.org_id), customer_id=c.id, version=c.version)
        for c in listed
    )
    known = [c.record.id for c in changed if c.record.version and not c.first]
    stored = customers.versions(session.database, session.org_id, known)
    records.store(records.newer(changed, stored), put)
