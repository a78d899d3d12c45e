"""``tenants/{orgId}/customers/{id}``: the POS's part of a customer, and what follows from orders.

Calculated from orders, each absent where it has no value, money in dollars:

    totalSpent, orderCount, avgOrderValue, firstOrderDate, lastOrderDate
    segment, segmentReason, predictedLifetimeValue
    rfm               recencyDays, frequency, monetary, asOf,
                      scores {recency, frequency, monetary}, by the org's thresholds,
                      quantiles? {recency, frequency, monetary, asOf}
    preferences       favoriteCategory, categories, products [{productId, name}], priceBand;
                      source: pos, as long as they are not from orders but posPreferences
    recommendations   [{productId, score}], best first
    duplicateOf       the customer that stands for this person; duplicateIds on that one

A customer removed at the POS has ``removedFromPosAt`` and none of these.

The predicted value and the RFM figures are of ``rfm.asOf``: as long as nothing but the day has
changed they are not written again.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from shared.domain.changes import REMOVED_AT
from shared.domain.customer_ranges import CustomerRange
from shared.domain.customer_scores import CustomerScores
from shared.domain.customers import Customer, DuplicateGroup, phone_number
from shared.domain.ids import natural_key
from shared.domain.money import to_cents, to_dollars
from shared.domain.preferences import (
    Preferences,
    PreferenceSource,
    PriceBand,
    Recommendation,
)
from shared.domain.providers import PROVIDERS
from shared.domain.rfm import RfmScore
from shared.domain.segmentation import SegmentBoundary
from shared.domain.spending import Spending
from shared.store import paths
from shared.store.database import LONGEST_FILTERED, Database, Document, Fields, Put, Update
from shared.store.documents import EARLIEST, Field, Schema, StoredVersion, copied

LONGEST_KEY = 1_000
"""Bytes of a ``name_key``: an index holds no longer text than LONGEST_FILTERED."""

PHONE_FIELDS = ("phoneE164", "phoneUnassigned")

CUSTOMER = Schema[Customer](
    *copied("id", "email", "firstName", "lastName", "phone", "dateOfBirth"),
    *copied("loyaltyPoints", "source", "createdAt"),
    Field("userId", lambda c: _user_id(c.user_id)),
    Field("posPreferences", lambda c: c.preferences and _pos_preferences(c.preferences)),
    given=("orgId",),
    stamps=("updatedAt", "posUpdatedAt", REMOVED_AT, *PHONE_FIELDS, "nameKey", "lastNameKey"),
    once=("userId", "createdAt"),
)
"""``phoneE164`` (absent where ``phone`` can be no number), ``nameKey`` and ``lastNameKey`` (see
``name_key``) are derived from other fields, for look-ups. ``phoneUnassigned`` marks a number that
identifies nobody. A ``userId`` that is too long to be looked up is left out. ``posPreferences``
{favoriteCategory?, priceBand} is what the POS's own summary says: its totals are not stored, as
spending follows from orders alone."""

SPENDING: tuple[Field[Spending], ...] = (
    Field("totalSpent", lambda s: to_dollars(s.total_cents)),
    Field("orderCount", lambda s: s.order_count),
    Field("avgOrderValue", lambda s: to_dollars(s.average_cents)),
    Field("firstOrderDate", lambda s: s.first_order_at),
    Field("lastOrderDate", lambda s: s.last_order_at),
)
"""On a customer's document and on a spending document."""

SPENDING_FIELDS = tuple(field.name for field in SPENDING)
PREFERENCE_FIELDS = ("preferences", "recommendations")
LINK_FIELDS = ("duplicateOf", "duplicateIds")
COMPARED = (*SPENDING_FIELDS, *LINK_FIELDS, *PREFERENCE_FIELDS, "segment")
CALCULATED = (*COMPARED, "segmentReason", "predictedLifetimeValue", "rfm")

PAGE = 3_000
"""Customers that one query reads: as many as a range of a large org has."""
EVERYBODY = CustomerRange()

_NAME = "__name__"
"""How Firestore calls a document's id in queries."""
_SCORED = (*SPENDING_FIELDS, "segment", "rfm", REMOVED_AT)
_SCORES = ("recency", "frequency", "monetary")


def fields_of(customer: Customer, org_id: str) -> dict[str, Any]:
    """The POS-owned fields as stored, without the moment of writing."""
    return CUSTOMER.fields(customer, orgId=org_id)


def put(
    org_id: str,
    fields: dict[str, Any],
    *,
    now: datetime,
    first: bool,
    version: datetime | None = None,
) -> Put:
    """The write for a customer; ``first`` when no sync has written it before, ``version`` when
    the POS says it last changed."""
    given, family = fields.get("firstName") or "", fields.get("lastName") or ""
    number = phone_number(fields.get("phone"))
    derived = {
        "phoneE164": number.e164 if number else None,
        "phoneUnassigned": number is not None and not number.assigned,
        "nameKey": name_key(given, family),
        "lastNameKey": name_key(family),
    }
    whole = fields | {"updatedAt": now} | {name: key for name, key in derived.items() if key}
    if version is not None:
        whole["posUpdatedAt"] = version
    if first:
        whole.setdefault("createdAt", now)
    return CUSTOMER.put(f"{paths.customers(org_id)}/{fields['id']}", whole)


def mark_removed(org_id: str, customer_id: str, now: datetime) -> Put:
    """The write for a stored customer whom the POS has no more."""
    fields = {REMOVED_AT: now, "updatedAt": now}
    return Put(f"{paths.customers(org_id)}/{customer_id}", fields, owned=tuple(fields))


def existing(database: Database, org_id: str, ids: Iterable[str]) -> set[str]:
    """Those of the ids that have a document."""
    found = database.get_all([f"{paths.customers(org_id)}/{i}" for i in ids], ["id"])
    return {document.id for document in found.values() if document.exists}


def versions(database: Database, org_id: str, ids: Iterable[str]) -> dict[str, StoredVersion]:
    """When the POS last changed these customers, as far as is stored, by id."""
    found = database.get_all([f"{paths.customers(org_id)}/{i}" for i in ids], ["posUpdatedAt"])
    return {
        d.id: StoredVersion(at, d.version)
        for d in found.values()
        if d.version and (at := d.fields.get("posUpdatedAt"))
    }


def order_counts(database: Database, org_id: str, ids: Iterable[str]) -> dict[str, int]:
    """How many orders of these customers count, as far as that is calculated, by id."""
    wanted = [f"{paths.customers(org_id)}/{customer_id}" for customer_id in ids]
    found = database.get_all(wanted, ["orderCount"]).values()
    return {d.id: int(d.fields["orderCount"]) for d in found if "orderCount" in d.fields}


def ids_by(
    database: Database, org_id: str, field: str, values: Iterable[str], provider: str | None = None
) -> dict[str, str]:
    """Customer id for each value of ``field`` that a customer has; of several the first by id.
    With ``provider``, another's customers are left out."""
    found: dict[str, str] = {}
    for value, customer_id in having(database, org_id, field, values, provider):
        found[value] = min(found.get(value, customer_id), customer_id, key=natural_key)
    return found


def having(
    database: Database, org_id: str, field: str, values: Iterable[str], provider: str | None = None
) -> Iterator[tuple[str, str]]:
    """Value and customer id, for every customer whose ``field`` is one of the values and who was
    not removed at the POS; ``provider`` as in ``ids_by``."""
    seen = [field, REMOVED_AT, "source"]
    for document in database.query_in(paths.customers(org_id), field, values, select=seen):
        others = provider and document.fields.get("source") in {*PROVIDERS} - {provider}
        if not others and not document.fields.get(REMOVED_AT):
            yield str(document.fields[field]), document.id


def count_all(database: Database, org_id: str) -> int:
    """How many customers the org has, without those removed at the POS. Two reads, and one more
    for every thousand."""
    collection = paths.customers(org_id)
    removed = database.totals(collection, (REMOVED_AT, ">", EARLIEST)).count
    return database.totals(collection).count - removed


def count_with_orders(database: Database, org_id: str) -> int:
    """How many customers have an order that counts, without reading them."""
    return database.totals(paths.customers(org_id), ("lastOrderDate", ">", EARLIEST)).count


def top_spender(database: Database, org_id: str) -> Document | None:
    """Who has spent the most, with name and sum; None where nobody has spent anything."""
    best = database.query(
        paths.customers(org_id),
        order_by=[("totalSpent", "DESCENDING")],
        select=["firstName", "lastName", "totalSpent"],
        limit=1,
    )
    return next((each for each in best if each.fields["totalSpent"] > 0), None)


def by_id(
    database: Database,
    org_id: str,
    select: Sequence[str],
    wanted: CustomerRange = EVERYBODY,
) -> Iterator[Document]:
    """The customers of a range in the order of their ids, read in pages: nobody waits for the
    answer to one query of them all."""
    after = wanted.after
    while True:
        page = list(
            database.query(
                paths.customers(org_id),
                select=select,
                order_by=[(_NAME, "ASCENDING")],
                after=None if after is None else {_NAME: after},
                limit=PAGE,
            )
        )
        for document in page:
            if wanted.until is not None and document.id > wanted.until:
                return
            yield document
        if len(page) < PAGE or page[-1].id == wanted.until:
            return
        after = page[-1].id


def scored(database: Database, org_id: str, after: str | None = None) -> Iterator[Document]:
    """The customers that have scores, in the order of their ids, with what these rest on."""
    return filter(_has_scores, by_id(database, org_id, _SCORED, CustomerRange(after)))


def read_scored(database: Database, org_id: str, ids: Iterable[str]) -> list[Document]:
    """Those of the customers who have scores, read as by ``scored``."""
    found = database.get_all([f"{paths.customers(org_id)}/{i}" for i in ids], _SCORED)
    return [document for document in found.values() if _has_scores(document)]


def name_key(*names: str) -> str:
    """Names as they are searched: in lower case, one space between, at most LONGEST_KEY bytes."""
    key = " ".join(" ".join(names).casefold().split())
    if 4 * len(key) <= LONGEST_KEY:
        return key
    return key.encode(errors="surrogatepass")[:LONGEST_KEY].decode(errors="ignore")


def spending_in(fields: Fields) -> Spending:
    """The spending on a customer's or a spending document."""
    return Spending(
        total_cents=to_cents(fields.get("totalSpent", 0)),
        order_count=fields.get("orderCount", 0),
        first_order_at=fields.get("firstOrderDate"),
        last_order_at=fields.get("lastOrderDate"),
    )


def spending_fields(spending: Spending) -> dict[str, Any]:
    """The SPENDING fields; None for one that is to be absent, as in the functions below."""
    return {field.name: field.of(spending) for field in SPENDING}


def score_fields(found: CustomerScores) -> dict[str, Any]:
    """The fields that follow from spending and the date."""
    return {
        "segment": found.segment.segment.value,
        "segmentReason": found.segment.reason,
        "predictedLifetimeValue": to_dollars(found.predicted_cents),
        "rfm": _rfm(found),
    }


def preference_fields(
    preferences: Preferences | None, recommendations: Sequence[Recommendation]
) -> dict[str, Any]:
    """The fields that follow from what was bought, and from what can be bought."""
    return {
        "preferences": preferences and _preferences(preferences),
        "recommendations": [{"productId": r.product_id, "score": r.score} for r in recommendations]
        or None,
    }


def pos_preferences_in(fields: Fields) -> Preferences | None:
    """What the POS's own summary says on a customer's document; None where it has none."""
    said = fields.get("posPreferences")
    if not said:
        return None
    favorite = said.get("favoriteCategory")
    return Preferences(
        categories=(favorite,) if favorite else (),
        products=(),
        price_band=PriceBand(said["priceBand"]),
        source=PreferenceSource.POS,
    )


def link_fields(customer_id: str, person: DuplicateGroup | None) -> dict[str, Any]:
    """The fields that link the records of one person."""
    if person is None:
        return dict.fromkeys(LINK_FIELDS)
    if person.primary_id == customer_id:
        return {"duplicateOf": None, "duplicateIds": list(person.duplicate_ids)}
    return {"duplicateOf": person.primary_id, "duplicateIds": None}


def differs(stored: Fields, fields: Fields) -> bool:
    """Whether anything but the day has changed between what is stored and ``fields``."""
    return any(stored.get(name) != fields.get(name) for name in COMPARED) or _scores(
        stored.get("rfm")
    ) != _scores(fields.get("rfm"))


def past_boundary(
    database: Database, org_id: str, boundary: SegmentBoundary, limit: int
) -> list[Document]:
    """At most ``limit`` customers who are past the boundary, found by index: no other is read."""
    found = database.query(
        paths.customers(org_id),
        ("segment", "in", [segment.value for segment in boundary.segments]),
        ("lastOrderDate", "<=", boundary.until),
        select=SPENDING_FIELDS,
        limit=limit,
    )
    return list(found)


def scores_differ(customer: Document, scores: CustomerScores) -> bool:
    """Whether anything but the day has changed between the stored scores and ``scores``."""
    fields, stored = score_fields(scores), customer.fields
    segment = fields["segment"] != stored.get("segment")
    return segment or _scores(fields["rfm"]) != _scores(stored.get("rfm"))


def update_scores(org_id: str, customer: Document, scores: CustomerScores, now: datetime) -> Update:
    """The write for a customer's current scores; refused if the customer has changed since."""
    fields = {**score_fields(scores), "updatedAt": now}
    return Update(f"{paths.customers(org_id)}/{customer.id}", fields, if_version=customer.version)


def _user_id(user_id: str | None) -> str | None:
    if user_id and len(user_id.encode(errors="surrogatepass")) > LONGEST_FILTERED:
        return None
    return user_id


def _has_scores(customer: Document) -> bool:
    return "segment" in customer.fields and not customer.fields.get(REMOVED_AT)


def _scores(rfm: Fields | None) -> list[Any]:
    found = rfm or {}
    quantiles = found.get("quantiles") or {}
    return [found.get("scores"), *(quantiles.get(name) for name in _SCORES)]


def _rfm(found: CustomerScores) -> dict[str, Any] | None:
    if found.rfm is None or found.by_threshold is None:
        return None
    fields: dict[str, Any] = {
        "recencyDays": found.rfm.recency_days,
        "frequency": found.rfm.frequency,
        "monetary": to_dollars(found.rfm.monetary_cents),
        "asOf": found.rfm.as_of,
        "scores": _score(found.by_threshold),
    }
    if found.by_quantile:
        fields["quantiles"] = {**_score(found.by_quantile), "asOf": found.by_quantile.as_of}
    return fields


def _score(score: RfmScore) -> dict[str, int]:
    return {name: getattr(score, name) for name in _SCORES}


def _preferences(preferences: Preferences) -> dict[str, Any]:
    source = preferences.source
    return {
        "favoriteCategory": next(iter(preferences.categories), None),
        "categories": list(preferences.categories),
        "products": [{"productId": p.product_id, "name": p.name} for p in preferences.products],
        "priceBand": preferences.price_band.value,
        **({"source": source.value} if source is PreferenceSource.POS else {}),
    }


def _pos_preferences(preferences: Preferences) -> dict[str, Any]:
    band = {"priceBand": preferences.price_band.value}
    favorite = next(iter(preferences.categories), None)
    return {"favoriteCategory": favorite, **band} if favorite else band
