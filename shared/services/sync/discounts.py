"""The discounts stream: what the POS lists, as far as it is not over."""

from collections.abc import Sequence

from shared.domain.discounts import Discount, is_over
from shared.pos.port import PosClient
from shared.services.sync.records import Changed, Record, StreamRecords
from shared.services.sync.session import Session
from shared.store import discounts
from shared.store.database import Write

STREAM = "discounts"


def sync_discounts(session: Session, clients: Sequence[PosClient]) -> list[Discount]:
    """Store the discounts that run or are to come, drop the others; returns those stored.

    One id in two accounts is the first one's. A discount that cannot be read is in quarantine and
    lowers no price: the menu must not show what the till does not give.
    """
    records = StreamRecords(session, STREAM)
    listed: dict[str, tuple[Discount, str]] = {}
    for client in clients:
        page = client.discounts()
        with session.lock:
            records.count_page(page, expected=0)
        for discount in page.records:
            listed.setdefault(discount.id, (discount, client.provider))
    now = session.now()
    current = {key: each for key, each in listed.items() if not is_over(each[0], now)}
    with session.lock:
        _store(session, records, current)
        for discount_id in records.may_be_stored() - current.keys():
            session.store([discounts.remove(session.org_id, discount_id)])
            records.manifest.remove(discount_id)
            records.tally.deleted += 1
        records.release_others()
    return [discount for discount, _ in current.values()]


def _store(
    session: Session, records: StreamRecords, current: dict[str, tuple[Discount, str]]
) -> None:
    def put(change: Changed) -> list[Write]:
        return [discounts.put(session.org_id, change.record.fields, now=session.now())]

    changed = records.changed(
        Record(key, discounts.fields_of(discount, session.org_id, source))
        for key, (discount, source) in current.items()
    )
    records.announce(changed)
    records.store(changed, put)
