"""Weekly metrics: on customers, as dated CSV files, and as what the next report begins with.

    tenants/{orgId}/customers/{id}          METRICS fields and ``metricsAsOf``
    tenants/{orgId}/metrics_reports/{date}  a complete report: asOf, customers, parts, expireAt;
                                            below it ``csv_parts/{stamp}-{n}``, compressed
    tenants/{orgId}/metrics_state/{stamp}-{n}   its customers with their histories, packed
    tenants/{orgId}/sync_state/metrics      MetricsProgress

``stamp`` is the moment of the report, so that one of the same day does not touch the parts of the
one before, which it reads. The parts are in the order of the customers' ids.
"""

import csv
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import msgpack

from shared.domain.changes import REMOVED_AT
from shared.domain.customer_metrics import CustomerMetrics, PurchaseHistory, Taken
from shared.domain.ids import is_document_id
from shared.domain.metrics_csv import ReportedCustomer, csv_lines
from shared.domain.money import to_dollars
from shared.domain.spending import Spending
from shared.models import FrozenCamelModel
from shared.store import customers, paths
from shared.store.database import (
    Database,
    Document,
    Fields,
    Put,
    Remove,
    Update,
    Write,
    put_if_version,
)
from shared.store.documents import Field
from shared.store.spending import CONTACT_FIELDS

METRICS: tuple[Field[CustomerMetrics], ...] = (
    Field("ecomOrderCount", lambda m: m.ecom.order_count),
    Field("retailOrderCount", lambda m: m.retail.order_count),
    Field("ecomSpent", lambda m: to_dollars(m.ecom.total_cents)),
    Field("retailSpent", lambda m: to_dollars(m.retail.total_cents)),
    Field("rolling90DaySpent", lambda m: to_dollars(m.rolling_cents)),
    Field("rolling90DayOrderCount", lambda m: m.rolling_orders),
    Field("isVip", lambda m: m.is_vip),
    Field("isHighValue", lambda m: m.is_high_value),
    Field("inactiveSegment", lambda m: m.inactive.value),
    Field("spendTier", lambda m: m.tier.value),
)
"""Money in dollars. ``metricsAsOf``: when one of them last changed, at the latest."""
NAMES = tuple(field.name for field in METRICS)
READ_FIELDS = (*CONTACT_FIELDS, *customers.LINK_FIELDS, REMOVED_AT, *NAMES)

REPORTS_KEPT = timedelta(days=400)
STATE_KEPT = timedelta(days=100)
"""A report after a longer pause reads every customer's orders again."""
REPORTS_LISTED = 500
PART_BYTES = 900_000
"""Of a part, compressed: a document may have 1 MiB."""
MOST_RECENT = 2_000
"""Whoever has more recent orders is read anew for each report, which keeps parts small."""
COMMIT_LAG = timedelta(hours=1)
"""How long after its ``updatedAt`` a spending document is committed at the latest: its function
runs for nine minutes."""

_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)


class ReportUnderWay(FrozenCamelModel):
    """A report that is being made. ``since``: what is news for the next one was written later;
    ``parts`` are written, ``consumed`` those of the report before that are done with, ``after``
    the id up to which customers are. ``anew``: everybody is read, not the report before."""

    as_of: datetime
    since: datetime
    anew: bool = False
    parts: int = 0
    consumed: int = 0
    after: str | None = None
    customers: int = 0


class MetricsProgress(FrozenCamelModel):
    """The last complete report, which has no ``as_of`` before the first one, and the one under
    way. Both fields of another report are removed with it."""

    as_of: datetime | None = None
    since: datetime | None = None
    parts: int = 0
    under_way: ReportUnderWay | None = None

    def covers(self, as_of: datetime) -> bool:
        """Whether a report of that moment or a later one is complete."""
        return self.as_of is not None and self.as_of >= as_of


@dataclass(frozen=True, slots=True)
class StoredProgress:
    """Progress and the version of its document."""

    progress: MetricsProgress
    version: datetime | None

    def put(self, org_id: str, progress: MetricsProgress) -> Write:
        """The write that replaces it; refused where another worker has."""
        fields = progress.model_dump(by_alias=True)
        return put_if_version(paths.metrics(org_id), fields, self.version)


@dataclass(frozen=True, slots=True)
class StatePart:
    """Customers of a report, by id. Those ``unknown`` are to be read anew: they have too many
    recent orders to be kept here."""

    customers: Sequence[ReportedCustomer]
    unknown: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EncodedPart:
    """The two documents of a part, compressed."""

    state: bytes
    csv: bytes

    @property
    def fits(self) -> bool:
        """Whether Firestore takes them."""
        return max(len(self.state), len(self.csv)) <= PART_BYTES


class MetricsReport(FrozenCamelModel):
    """A complete report."""

    date: str
    as_of: datetime
    customers: int
    parts: int
    completed_at: datetime


def date_of(as_of: datetime) -> str:
    """The date by which a report is known, in UTC."""
    return f"{as_of.astimezone(UTC):%Y-%m-%d}"


def read_progress(database: Database, org_id: str) -> StoredProgress:
    found = database.get(paths.metrics(org_id))
    return StoredProgress(MetricsProgress.model_validate(found.fields), found.version)


def fields_of(metrics: CustomerMetrics) -> dict[str, Any]:
    """The METRICS fields."""
    return {field.name: field.of(metrics) for field in METRICS}


def update_customer(org_id: str, customer_id: str, fields: Fields, as_of: datetime) -> Update:
    """The write for a customer's METRICS fields."""
    path = f"{paths.customers(org_id)}/{customer_id}"
    return Update(path, {**fields, "metricsAsOf": as_of})


def clear_customer(org_id: str, customer_id: str) -> Update:
    """The write for a customer who was removed at the POS."""
    path = f"{paths.customers(org_id)}/{customer_id}"
    return Update(path, dict.fromkeys((*NAMES, "metricsAsOf")))


def read_customers(database: Database, org_id: str, ids: Sequence[str]) -> list[Document]:
    """Those of the customers who exist, by id."""
    found = database.get_all([f"{paths.customers(org_id)}/{i}" for i in ids], READ_FIELDS)
    return sorted((each for each in found.values() if each.exists), key=lambda each: each.id)


def with_news(database: Database, org_id: str, since: datetime, limit: int) -> list[str] | None:
    """Ids of the customers who may have changed after ``since``, sorted: whose spending document
    was written, or who were removed at the POS. None for more documents than ``limit``."""
    moment = since - COMMIT_LAG
    written = database.query(
        paths.customer_spending(org_id),
        ("orgId", "==", org_id),
        ("updatedAt", ">=", moment),
        order_by=[("updatedAt", "DESCENDING")],
        select=["customerId"],
        limit=limit,
    )
    removed = database.query(
        paths.customers(org_id), (REMOVED_AT, ">=", moment), select=[REMOVED_AT], limit=limit
    )
    news, gone = list(written), list(removed)
    if max(len(news), len(gone)) >= limit:
        return None
    ids = (str(each.fields.get("customerId")) for each in news)
    return sorted(filter(is_document_id, {*ids, *(each.id for each in gone)}))


def encoded_part(part: StatePart, csv: str) -> EncodedPart:
    """A part as it is stored."""
    packed = [_packed(each, each.id in part.unknown) for each in part.customers]
    return EncodedPart(zlib.compress(msgpack.packb(packed)), zlib.compress(csv.encode()))


def decoded_state(data: bytes) -> StatePart:
    """What ``encoded_part`` has stored of customers."""
    packed = msgpack.unpackb(zlib.decompress(data))
    found = [_unpacked(*each) for each in packed]
    unknown = frozenset(customer.id for customer, whole in found if not whole)
    return StatePart([customer for customer, _ in found], unknown)


def put_part(
    org_id: str, as_of: datetime, number: int, part: EncodedPart, now: datetime
) -> list[Write]:
    """The writes for a part of a report."""
    name = _part_name(as_of, number)
    csv = f"{paths.metrics_csv(org_id, date_of(as_of))}/{name}"
    state = f"{paths.metrics_state(org_id)}/{name}"
    return [
        Put(csv, {"csv": part.csv, "expireAt": now + REPORTS_KEPT}),
        Put(state, {"customers": part.state, "expireAt": now + STATE_KEPT}),
    ]


def read_state(database: Database, org_id: str, as_of: datetime, number: int) -> StatePart | None:
    """A part of what a report has left for the next one; None where it has expired."""
    path = f"{paths.metrics_state(org_id)}/{_part_name(as_of, number)}"
    found = database.get(path)
    return decoded_state(found.fields["customers"]) if found.exists else None


def put_report(org_id: str, report: MetricsReport) -> Put:
    """The write for a report that is complete."""
    fields = report.model_dump(by_alias=True)
    path = f"{paths.metrics_reports(org_id)}/{report.date}"
    return Put(path, {**fields, "expireAt": report.completed_at + REPORTS_KEPT})


def remove_before(org_id: str, before: MetricsProgress, after: datetime) -> list[Write]:
    """The writes that remove what the report before has left, once that of ``after`` is complete:
    the state, and the file where both are of the same day."""
    if before.as_of is None:
        return []
    names = [_part_name(before.as_of, number) for number in range(before.parts)]
    date = date_of(before.as_of)
    folders = [paths.metrics_state(org_id)]
    if date == date_of(after):
        folders.append(paths.metrics_csv(org_id, date))
    return [Remove(f"{folder}/{name}") for folder in folders for name in names]


def reports(database: Database, org_id: str) -> list[MetricsReport]:
    """The complete reports, the latest first."""
    found = database.query(paths.metrics_reports(org_id), limit=REPORTS_LISTED)
    return [MetricsReport.model_validate(each.fields) for each in found][::-1]


def read_report(database: Database, org_id: str, date: str) -> MetricsReport | None:
    """The report of a date; None where there is none."""
    found = database.get(f"{paths.metrics_reports(org_id)}/{date}")
    return MetricsReport.model_validate(found.fields) if found.exists else None


def read_csv(database: Database, org_id: str, report: MetricsReport, number: int) -> bytes | None:
    """A part of a report's file; None where a later report of the same day has replaced it."""
    name = _part_name(report.as_of, number)
    found = database.get(f"{paths.metrics_csv(org_id, report.date)}/{name}")
    return zlib.decompress(found.fields["csv"]) if found.exists else None


def csv_folders(database: Database, org_id: str) -> list[str]:
    """The collections that hold the parts of reports, complete or under way."""
    dates = {each.id for each in database.query(paths.metrics_reports(org_id), select=["date"])}
    under_way = read_progress(database, org_id).progress.under_way
    dates |= {date_of(under_way.as_of)} if under_way else set()
    return [paths.metrics_csv(org_id, date) for date in sorted(dates)]


def without_customers(part: Document, is_erased: Callable[[str], bool]) -> Update | None:
    """The write that takes customers out of a part of a report, of its file or of what the next one
    begins with; None where it has none of them."""
    if "csv" in part.fields:
        text = zlib.decompress(part.fields["csv"]).decode()
        rows = list(csv.reader(StringIO(text)))
        kept = [row for row in rows if not (row and is_erased(row[0].removeprefix("'")))]
        if len(kept) == len(rows):
            return None
        return _replaced(part, "csv", csv_lines(kept).encode())
    packed = msgpack.unpackb(zlib.decompress(part.fields["customers"]))
    left = [each for each in packed if not is_erased(each[0])]
    if len(left) == len(packed):
        return None
    return _replaced(part, "customers", msgpack.packb(left))


def touch_progress(database: Database, org_id: str) -> list[Write]:
    """The write after which a worker whose report is under way must read its parts again."""
    found = database.get(paths.metrics(org_id))
    fields = {name: found.fields[name] for name in ("parts",) if name in found.fields}
    return [Update(paths.metrics(org_id), fields)] if fields else []


def _replaced(part: Document, name: str, data: bytes) -> Update:
    return Update(part.path, {name: zlib.compress(data)}, if_version=part.version)


def _part_name(as_of: datetime, number: int) -> str:
    return f"{as_of.astimezone(UTC):%Y%m%dT%H%M%S}-{number:04}"


def _packed(customer: ReportedCustomer, unknown: bool) -> list[Any]:
    history = customer.history
    recent: list[int] = []
    before = 0
    for taken in () if unknown else history.recent:
        at = _micros(taken.at)
        recent += (at - before, taken.cents)
        before = at
    return [
        *(customer.id, customer.name, customer.email, customer.phone),
        *(customer.duplicate_ids, customer.duplicate_of),
        *(_sums(history.ecom), _sums(history.retail), None if unknown else recent),
    ]


def _unpacked(
    customer_id: str,
    name: str,
    email: str,
    phone: str,
    duplicate_ids: Sequence[str],
    duplicate_of: str | None,
    ecom: Sequence[int],
    retail: Sequence[int],
    recent: Sequence[int] | None,
) -> tuple[ReportedCustomer, bool]:
    """A customer, and whether the history is whole."""
    history = PurchaseHistory(_spending(*ecom), _spending(*retail), tuple(_recent(recent or ())))
    duplicates = tuple(duplicate_ids)
    customer = ReportedCustomer(customer_id, name, email, phone, history, duplicates, duplicate_of)
    return customer, recent is not None


def _recent(packed: Sequence[int]) -> Iterator[Taken]:
    at = _EPOCH
    for step, cents in zip(packed[::2], packed[1::2], strict=True):
        at += step * _MICROSECOND
        yield Taken(at, cents)


def _sums(spent: Spending) -> list[int | None]:
    first, last = spent.first_order_at, spent.last_order_at
    return [
        *(spent.total_cents, spent.order_count),
        *(None if moment is None else _micros(moment) for moment in (first, last)),
    ]


def _spending(
    cents: int = 0, count: int = 0, first: int | None = None, last: int | None = None
) -> Spending:
    return Spending(cents, count, _moment(first), _moment(last))


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else _EPOCH + micros * _MICROSECOND
