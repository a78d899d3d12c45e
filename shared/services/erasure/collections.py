"""Every collection: what of a customer stands in it, what an erasure does with that, and how long
its documents are kept. docs/privacy.md shows this table; a collection that is not in it fails a
test."""

from dataclasses import dataclass
from enum import StrEnum


class Erasing(StrEnum):
    """What the erasure of a customer does with a collection."""

    NOTHING = "nothing"
    REDACTED = "redacted"
    """What identifies the person is taken out of the documents."""
    ANONYMOUS = "anonymous"
    """The documents stay, without the person, under ``erased`` instead of the customer's id."""
    REMOVED = "removed"
    """The person's documents are deleted."""
    ENTRIES = "entries removed"
    """The person's entries are taken out of packed documents."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection by its path, names in braces standing for ids. ``kept``: days until its TTL at
    most, None for as long as the org is."""

    path: str
    holds: str
    erasing: Erasing
    kept: int | None = None

    @property
    def name(self) -> str:
        """The last part of the path, by which indexes know it."""
        return self.path.rpartition("/")[2]


_ORG = "tenants/{orgId}"
COLLECTIONS = (
    Collection("tenants", "nothing: the org's own settings", Erasing.NOTHING),
    Collection("locations", "nothing: how the org's POS is reached", Erasing.NOTHING),
    Collection("fleet", "nothing: ids of orgs", Erasing.NOTHING),
    Collection("rate_limits", "nothing: times of calls", Erasing.NOTHING),
    Collection("audit", "nothing: what concerns no org", Erasing.NOTHING, 400),
    Collection("incidents", "nothing: what concerns no org", Erasing.NOTHING, 365),
    Collection("dead_letters", "messages, which name customers by id", Erasing.REDACTED, 90),
    Collection(f"{_ORG}/quarantine", "records as the POS sent them", Erasing.REDACTED, 365),
    Collection(f"{_ORG}/webhook_events", "ids of customers, raw events", Erasing.REDACTED, 30),
    Collection(f"{_ORG}/spending_requests", "ids of customers", Erasing.REDACTED),
    Collection(f"{_ORG}/sync_runs", "errors and holds that name records", Erasing.REDACTED, 90),
    Collection(
        f"{_ORG}/sync_reports", "changes of customers, field by field", Erasing.REDACTED, 30
    ),
    Collection(f"{_ORG}/sync_state", "ids of customers to be computed", Erasing.REDACTED),
    Collection(f"{_ORG}/integrations", "errors and warnings in words", Erasing.REDACTED),
    Collection(f"{_ORG}/loyalty_runs", "errors in words", Erasing.REDACTED, 90),
    Collection(f"{_ORG}/loyalty_state", "errors in words", Erasing.REDACTED),
    Collection(f"{_ORG}/verifications", "differences by record", Erasing.REDACTED, 400),
    Collection(f"{_ORG}/incidents", "what went wrong, in words", Erasing.REDACTED, 365),
    Collection(f"{_ORG}/notifications", "news of orders, in words", Erasing.REDACTED, 90),
    Collection(f"{_ORG}/audit", "what was decided, by ids", Erasing.REDACTED, 400),
    Collection(f"{_ORG}/pos_writes", "nothing: hashes, ids at the POS", Erasing.REDACTED, 1),
    Collection(f"{_ORG}/skipped_orders", "the customer's id", Erasing.REMOVED),
    Collection(f"{_ORG}/orders", "name, e-mail, telephone, ids", Erasing.ANONYMOUS),
    Collection(f"{_ORG}/customer_spending", "e-mail, id, what was spent", Erasing.REMOVED),
    Collection(f"{_ORG}/customers/{{customerId}}/points_ledger", "orders", Erasing.REMOVED),
    Collection(f"{_ORG}/customers", "everything known of the person", Erasing.REMOVED),
    Collection(f"{_ORG}/sync_manifests", "ids of customers", Erasing.ENTRIES),
    Collection(f"{_ORG}/metrics_state", "name, e-mail, telephone, id", Erasing.ENTRIES, 100),
    Collection(
        f"{_ORG}/metrics_reports/{{date}}/csv_parts",
        "name, e-mail, telephone, id",
        Erasing.ENTRIES,
        400,
    ),
    Collection(f"{_ORG}/metrics_reports", "nothing: numbers", Erasing.NOTHING, 400),
    Collection(f"{_ORG}/products", "nothing: what the org sells", Erasing.NOTHING),
    Collection(f"{_ORG}/products/{{productId}}/price_history", "nothing", Erasing.NOTHING),
    Collection(f"{_ORG}/publicViews", "nothing: the public menu", Erasing.NOTHING),
    Collection(f"{_ORG}/publicViews/products/items", "nothing: the public menu", Erasing.NOTHING),
    Collection(f"{_ORG}/discounts", "nothing: what is on sale", Erasing.NOTHING),
    Collection(f"{_ORG}/metadata", "nothing: brands, categories", Erasing.NOTHING),
    Collection(f"{_ORG}/erased", "salted hashes", Erasing.NOTHING),
    Collection(f"{_ORG}/erasures", "salted hashes", Erasing.NOTHING),
)


def redacted_of_org() -> list[str]:
    """The names of the collections of an org whose documents are redacted."""
    of_orgs = (each for each in COLLECTIONS if each.path.startswith(_ORG))
    return [each.name for each in of_orgs if each.erasing is Erasing.REDACTED]
