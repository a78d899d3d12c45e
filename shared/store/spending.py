"""``customer_spending/{key}``: what has been spent by a customer, and under an e-mail; customers as
spending needs them, and the scales they are scored by; the version of an org's data, by which
caches see that it has changed."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from pydantic import Field

from shared.batches import batched
from shared.domain.changes import REMOVED_AT, fingerprint
from shared.domain.customer_ranges import CustomerRange
from shared.domain.customer_scores import ScoringScales
from shared.domain.customers import MAX_SHARING, CustomerContact, identifies
from shared.domain.money import to_cents, to_dollars
from shared.domain.rfm import DEFAULT_THRESHOLDS, QuantileScale, RfmThresholds
from shared.domain.spending import DIGEST_BYTES, Spending
from shared.errors import ConfigurationInvalid
from shared.models import CamelModel
from shared.store import customers, paths
from shared.store.database import IN_LIMIT, Create, Database, Document, Fields, Put, Update, Write
from shared.store.documents import Schema, in_range

SPENDING = Schema[Spending](
    *customers.SPENDING,
    given=("customerId", "email", "orgId", "digest"),
    stamps=("updatedAt",),
)
"""``digest``, on a ``cid_`` document, is another one where a counted order or the customer's name
or contact is another: so ``updatedAt`` tells who has news (store/metrics.py)."""
CONTACT_FIELDS = ("firstName", "lastName", "email", "phone")
SNAPSHOT_FIELDS = (
    *(*CONTACT_FIELDS, "posPreferences", REMOVED_AT),
    *customers.PHONE_FIELDS,
    *customers.CALCULATED,
)
QUANTILES = ("recency", "frequency", "monetary")
MISSING = Document(id="", fields={}, version=None, read_at=datetime.fromtimestamp(0, UTC))

log = structlog.get_logger(__name__)


def id_key(customer_id: str) -> str:
    """Key of the document by customer id."""
    return f"cid_{customer_id}"


def spending_path(org_id: str, key: str) -> str:
    """Path of the document of a key. An e-mail may hold a slash, a document id may not."""
    return f"{paths.customer_spending(org_id)}/{key.replace('/', '%2F')}"


def document_of(
    spent: Spending, *, org_id: str, customer_id: str, email: str | None, digest: str | None = None
) -> dict[str, Any]:
    """The fields of a spending document, without the moment of writing."""
    return SPENDING.fields(spent, customerId=customer_id, email=email, orgId=org_id, digest=digest)


def digest_of(spent: Spending, customer: Fields) -> str:
    """The ``digest`` of a customer's ``cid_`` document."""
    contact = fingerprint({name: customer.get(name) for name in CONTACT_FIELDS})
    return f"{spent.digest:0{2 * DIGEST_BYTES}x}{contact.hex()}"


def differs(stored: Document, fields: dict[str, Any]) -> bool:
    """Whether a stored spending document differs from ``fields``."""
    return any(stored.fields.get(name) != fields.get(name) for name in SPENDING.compared)


def put_by_id(
    org_id: str, customer_id: str, stored: Document, fields: dict[str, Any], now: datetime
) -> Write:
    """The write for a customer's ``cid_`` document; refused if it has changed since it was read
    as ``stored``."""
    where = spending_path(org_id, id_key(customer_id))
    whole = fields | {"updatedAt": now}
    if stored.version is None:
        return Create(where, whole)
    cleared = dict.fromkeys(name for name in SPENDING.compared if name in stored.fields)
    return Update(where, cleared | whole, if_version=stored.version)


def put_by_email(org_id: str, email: str, fields: dict[str, Any], now: datetime) -> Put:
    """The write for the document of an e-mail."""
    return Put(spending_path(org_id, email), fields | {"updatedAt": now})


@dataclass(frozen=True, slots=True)
class CustomerSnapshot:
    """A customer's document and own ``cid_`` document."""

    id: str
    customer: Document
    own: Document

    @property
    def removed(self) -> bool:
        """Whether the POS has them no more: then nobody shares an e-mail or phone with them."""
        return bool(self.customer.fields.get(REMOVED_AT))

    @property
    def email(self) -> str | None:
        """An e-mail that identifies them."""
        email = self.customer.fields.get("email")
        return email if identifies(email) and not self.removed else None

    @property
    def emails(self) -> set[str]:
        """The e-mail they have, and the one they had when their spending was last stored."""
        return {e for e in (self.email, self.own.fields.get("email")) if e}

    @property
    def emails_before(self) -> set[str]:
        """The e-mail under which their spending was last stored, if they have another one now."""
        return self.emails - {self.email}

    @property
    def phone(self) -> str | None:
        """E.164, where the customer has a number that is assigned."""
        fields = self.customer.fields
        nobodys = self.removed or fields.get("phoneUnassigned")
        return None if nobodys else fields.get("phoneE164")

    @property
    def linked(self) -> set[str]:
        """Ids of the customers stored as duplicates of this one, or as the one it duplicates."""
        fields = self.customer.fields
        return {i for i in (fields.get("duplicateOf"), *(fields.get("duplicateIds") or ())) if i}

    @property
    def contact(self) -> CustomerContact:
        return CustomerContact(self.id, self.email, self.phone, frozenset(self.linked))


def snapshots(
    database: Database, org_id: str, customer_ids: Sequence[str]
) -> dict[str, CustomerSnapshot]:
    """The customers of the given ids that exist, by id."""
    theirs = {i: f"{paths.customers(org_id)}/{i}" for i in customer_ids}
    own = {i: spending_path(org_id, id_key(i)) for i in customer_ids}
    found = database.get_all([*theirs.values(), *own.values()])
    return {
        i: CustomerSnapshot(i, found[path], found[own[i]])
        for i, path in theirs.items()
        if found[path].exists
    }


def snapshots_in(
    database: Database, org_id: str, wanted: CustomerRange
) -> tuple[dict[str, CustomerSnapshot], dict[str, Document]]:
    """The customers of a range by id, and the spending documents that name one of them by path."""
    collection = paths.customer_spending(org_id)
    found = database.query(collection, *in_range("customerId", wanted))
    kept = {f"{collection}/{document.id}": document for document in found}
    documents = customers.by_id(database, org_id, SNAPSHOT_FIELDS, wanted)
    people = {
        each.id: CustomerSnapshot(
            each.id, each, kept.get(spending_path(org_id, id_key(each.id)), MISSING)
        )
        for each in documents
    }
    return people, kept


def everybody(database: Database, org_id: str) -> Iterator[CustomerSnapshot]:
    """Every customer, with no more than how they can be reached and what they have spent."""
    reached = ("email", *customers.PHONE_FIELDS)
    fields = (*reached, REMOVED_AT, *customers.LINK_FIELDS, *customers.SPENDING_FIELDS)
    for each in customers.by_id(database, org_id, fields):
        yield CustomerSnapshot(each.id, each, MISSING)


def customers_sharing_phones(
    database: Database, org_id: str, phones: Iterable[str]
) -> tuple[set[str], set[str]]:
    """Ids of the customers that have one of the numbers, and the fillers among the numbers: those
    on more records than one person has. The customers with a filler are not looked for, which
    might cost a read for each customer of the org."""
    ids: set[str] = set()
    fillers: set[str] = set()
    for chunk in batched(sorted(set(phones)), IN_LIMIT):
        having = _having(database, org_id, chunk)
        if sum(map(len, having.values())) >= _most(chunk):
            # Cut short: some of them are fillers, and may have hidden the others.
            having = {p: i for one in chunk for p, i in _having(database, org_id, [one]).items()}
        for phone, found in having.items():
            if len(found) > MAX_SHARING:
                fillers.add(phone)
            else:
                ids.update(found)
    return ids, fillers


def data_version(database: Database, org_id: str) -> tuple[object, ...]:
    """The version of the org's data, to be compared with another one: that of the lease, which
    every commit of a run writes, a webhook's too, and of the newest spending document. Two
    reads."""
    lease = paths.lease(org_id)
    # Both at once: somebody waits for what is answered then.
    with ThreadPoolExecutor(1, thread_name_prefix="version") as pool:
        run = pool.submit(database.get_all, [lease], ["epoch"])
        newest = database.query(
            paths.customer_spending(org_id),
            ("orgId", "==", org_id),
            select=["updatedAt"],
            order_by=[("updatedAt", "DESCENDING")],
            limit=1,
        )
        figures = [(each.id, each.version) for each in newest]
        return run.result()[lease].version, *figures


def touch_data_version(org_id: str, customer_id: str, now: datetime) -> Update:
    """The write that changes the data version where customers change but not their figures; any
    of these customers will do. Refused where that one has no spending document."""
    return Update(spending_path(org_id, id_key(customer_id)), {"updatedAt": now})


def _having(database: Database, org_id: str, phones: Sequence[str]) -> dict[str, list[str]]:
    having: dict[str, list[str]] = {phone: [] for phone in phones}
    for customer in database.query(
        paths.customers(org_id),
        ("phoneE164", "in", list(phones)),
        select=["phoneE164"],
        limit=_most(phones),
    ):
        having[customer.fields["phoneE164"]].append(customer.id)
    return having


def _most(phones: Sequence[str]) -> int:
    return len(phones) * (MAX_SHARING + 1)


class RfmSettings(CamelModel):
    """Bounds between an org's scores, ``tenants/{orgId}.rfm``."""

    recency_days: tuple[int, ...] = Field(
        default=DEFAULT_THRESHOLDS.recency_days,
        description="Whole days since the last counted order up to which a customer scores 5, 4, "
        "3 and 2; four, ascending.",
    )
    frequency: tuple[int, ...] = Field(
        default=DEFAULT_THRESHOLDS.frequency,
        description="Counted orders from which on a score is 2, 3, 4 and 5; four, ascending.",
    )
    monetary: tuple[float, ...] = Field(
        default=tuple(map(to_dollars, DEFAULT_THRESHOLDS.monetary_cents)),
        description="Dollars spent from which on a score is 2, 3, 4 and 5; four, ascending.",
    )


def scales(database: Database, org_id: str) -> ScoringScales:
    """The scales by which the org's customers are scored.

    Thresholds that are not valid are logged and the default ones used: a mistake in a setting
    must not stop the spending of all customers.
    """
    settings, quantiles = paths.tenant(org_id), paths.rfm_scale(org_id)
    found = database.get_all([settings, quantiles])
    thresholds = _thresholds(found[settings].fields.get("rfm"))
    stored = found[quantiles].fields
    if not stored:
        return ScoringScales(thresholds)
    bounds = {name: tuple(stored[name]) for name in QUANTILES}
    return ScoringScales(thresholds, QuantileScale(**bounds, as_of=stored["asOf"]))


def put_scale(org_id: str, scale: QuantileScale) -> Put:
    """The write for the quantiles; money in cents."""
    quantiles = {name: getattr(scale, name) for name in QUANTILES}
    return Put(paths.rfm_scale(org_id), {**quantiles, "asOf": scale.as_of})


def _thresholds(settings: Any) -> RfmThresholds:
    if settings is None:
        return DEFAULT_THRESHOLDS
    try:
        bounds = RfmSettings.model_validate(settings)
        monetary_cents = tuple(map(to_cents, bounds.monetary))
        return RfmThresholds(bounds.recency_days, bounds.frequency, monetary_cents)
    except (ValueError, ConfigurationInvalid) as error:
        log.warning("rfm_settings_invalid", reason=type(error).__name__)
        return DEFAULT_THRESHOLDS
