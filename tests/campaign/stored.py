"""What stands in Firestore, and how two accounts of the same POS are held against each other."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from google.cloud.firestore import Client

Fields = dict[str, Any]
Documents = dict[str, Fields]

MENU = "publicViews/products/items"
REMOVED = "removedFromPosAt"
COLLECTIONS = (
    "customers",
    "orders",
    "skipped_orders",
    "customer_spending",
    "products",
    MENU,
    "discounts",
    "metadata",
    "quarantine",
)

VOLATILE: Mapping[str, frozenset[str]] = {
    # When it was written, or by which run: that is what the two accounts differ in. An order's
    # ``updatedAt`` is the POS's own and is compared.
    "customers": frozenset({"updatedAt"}),
    "orders": frozenset({"syncRunId"}),
    "skipped_orders": frozenset({"runId", "firstSeenAt"}),
    "customer_spending": frozenset({"updatedAt"}),
    "products": frozenset({"updatedAt"}),
    MENU: frozenset({"updatedAt"}),
    "discounts": frozenset({"updatedAt"}),
    "metadata": frozenset({"updatedAt"}),
    "quarantine": frozenset({"runId", "firstSeenAt", "lastSeenAt", "expireAt"}),
}
OF_THE_DAY = frozenset({"predictedLifetimeValue", "segmentReason"})
"""Of a day: not written again as long as nothing but the day has changed (see
store/customers.py)."""
OF_EVERYBODY = frozenset({"rfm", "recommendations", "segment"})
"""Rests on the other customers, the menu or the day too: right after the daily pass over all."""
RFM_OF_THE_DAY = ("recencyDays", "asOf")
SCORES_OF_THE_DAY = ("recency", "asOf")
"""The two accounts are computed one after the other: a day may be over in between."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One org in one project. A collection is read once."""

    client: Client
    org_id: str
    _read: dict[str, Documents] = field(default_factory=dict, init=False)

    def documents(self, collection: str) -> Documents:
        if collection not in self._read:
            found = self.client.collection(f"tenants/{self.org_id}/{collection}").stream()
            self._read[collection] = {each.id: each.to_dict() or {} for each in found}
        return self._read[collection]

    def document(self, path: str) -> Fields:
        return self.client.document(f"tenants/{self.org_id}/{path}").get().to_dict() or {}

    def everything(self) -> Iterator[tuple[str, Fields]]:
        """Every document of the org, and every dead letter, by path."""
        collections = [
            *self.client.document(f"tenants/{self.org_id}").collections(),
            self.client.collection("dead_letters"),
        ]
        for collection in collections:
            for found in collection.recursive().stream():
                yield found.reference.path, found.to_dict() or {}

    def lease_until(self) -> datetime | None:
        """When the org's lease runs out; None where nobody has it."""
        lease = self.document("sync_state/lease")
        return lease["expiresAt"] if lease.get("runId") else None

    @property
    def lease_is_free(self) -> bool:
        until = self.lease_until()
        return until is None or until < datetime.now(UTC)

    def account(
        self, *, after_daily_pass: bool, left_out: Mapping[str, Collection[str]]
    ) -> dict[str, Documents]:
        """Every record of the org, without what may rightly differ between two accounts, such as
        the documents ``left_out`` of each collection."""
        found = {
            name: {
                key: fields
                for key, fields in self.documents(name).items()
                # What the POS dropped while it was synced is remembered; an account begun later
                # cannot.
                if REMOVED not in fields and key not in left_out.get(name, ())
            }
            for name in COLLECTIONS
        }
        # Nobody can say which order an unreadable one without an id became.
        found["quarantine"] = {
            key: fields
            for key, fields in found["quarantine"].items()
            if not key.startswith("orders_raw-")
        }
        volatile = dict(VOLATILE)
        volatile["customers"] |= OF_THE_DAY if after_daily_pass else OF_THE_DAY | OF_EVERYBODY
        return {
            name: {key: _without(fields, volatile[name]) for key, fields in documents.items()}
            for name, documents in found.items()
        }


def differences(found: Mapping[str, Documents], wanted: Mapping[str, Documents]) -> Iterator[str]:
    """Where the first account is not what the second is."""
    for name, documents in wanted.items():
        for key in sorted(documents.keys() | found[name].keys()):
            where = f"{name}/{key}"
            if key not in found[name]:
                yield f"{where} is not stored"
            elif key not in documents:
                yield f"{where} is stored, and an undisturbed sync does not store it"
            else:
                yield from _differences(where, found[name][key], documents[key])


def _differences(where: str, found: Fields, wanted: Fields) -> Iterator[str]:
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            yield f"{where}: {name} is {found.get(name)!r}, not {wanted.get(name)!r}"


def _without(fields: Fields, volatile: frozenset[str]) -> Fields:
    kept = {name: value for name, value in fields.items() if name not in volatile}
    if isinstance(rfm := kept.get("rfm"), dict):
        rfm = {name: value for name, value in rfm.items() if name not in RFM_OF_THE_DAY}
        for scores in ("scores", "quantiles"):
            found = rfm.get(scores) or {}
            rfm[scores] = {k: v for k, v in found.items() if k not in SCORES_OF_THE_DAY}
        kept["rfm"] = rfm
    return kept
