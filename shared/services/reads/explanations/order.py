"""Why an order counts, or does not, or is not stored at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.changes import REMOVED_AT
from shared.domain.ecom import SOURCE as ECOM
from shared.domain.money import to_cents
from shared.domain.order_matching import SkipReason
from shared.domain.orders import document_id
from shared.domain.providers import PROVIDERS
from shared.errors import NotFound
from shared.services.reads.explanations.origins import (
    OrderEffect,
    QuarantineEntry,
    RunBehind,
    effect_of,
    named_run,
    quarantine_path,
    quarantined,
)
from shared.store import orders, paths
from shared.store.database import Database, Document

SOURCES = (*PROVIDERS, ECOM)
"""What the ids of orders' documents begin with."""


@dataclass(frozen=True, slots=True)
class SkippedExplained:
    """Why an order matches no customer."""

    reason: str
    message: str
    pos_customer_id: str | None
    first_seen_at: datetime | None
    run: RunBehind | None


@dataclass(frozen=True, slots=True)
class StoredExplained:
    """A stored order. ``changed_by_others``: another program set its status, which holds until the
    POS changes its own. ``customer_is_stored``: whether there is the customer whose it is."""

    effect: OrderEffect
    total_cents: int | None
    created_at: datetime | None
    status: str | None
    pos_status: str | None
    status_from_pos: str | None
    changed_by_others: bool
    type: str | None
    channel: str | None
    customer_id: str | None
    customer_is_stored: bool
    removed_at: datetime | None
    superseded_by: str | None
    ecom_state: str | None
    run: RunBehind | None


@dataclass(frozen=True, slots=True)
class OrderExplanation:
    """What became of an order: ``stored``, ``skipped``, in ``quarantine``, or several of them."""

    order_id: str
    stored: StoredExplained | None
    skipped: SkippedExplained | None
    quarantine: QuarantineEntry | None


@dataclass(frozen=True, slots=True)
class ExplainOrder:
    """Explains an order. A handful of reads."""

    database: Database

    def __call__(self, org_id: str, order_id: str) -> OrderExplanation:
        """By the id of its document, or the POS's own. Raises NotFound where it is neither stored
        nor skipped nor in quarantine."""
        for wanted in (order_id, *(document_id(source, order_id) for source in SOURCES)):
            found = self._look(org_id, wanted)
            if found is not None:
                return found
        raise NotFound("there is no such order: neither stored, skipped nor in quarantine")

    def _look(self, org_id: str, order_id: str) -> OrderExplanation | None:
        own = f"{paths.orders(org_id)}/{order_id}"
        skipped = f"{paths.skipped_orders(org_id)}/{order_id}"
        bad = quarantine_path(org_id, "orders", order_id)
        found = self.database.get_all([own, skipped, bad])
        if not any(each.exists for each in found.values()):
            return None
        return OrderExplanation(
            order_id=order_id,
            stored=self._stored(org_id, found[own]) if found[own].exists else None,
            skipped=self._skipped(org_id, found[skipped].fields),
            quarantine=quarantined(found[bad].fields),
        )

    def _stored(self, org_id: str, order: Document) -> StoredExplained:
        fields = order.fields
        customer_id = fields.get("customerId")
        status, from_pos = fields.get("status"), fields.get("statusFromPos")
        try:
            total_cents: int | None = to_cents(fields.get("total"))
        except ValueError:
            total_cents = None
        return StoredExplained(
            effect=effect_of(order),
            total_cents=total_cents,
            created_at=fields.get("createdAt"),
            status=status,
            pos_status=fields.get("posStatus"),
            status_from_pos=from_pos,
            changed_by_others=from_pos is not None and status != from_pos,
            type=fields.get("type"),
            channel=fields.get("channel"),
            customer_id=customer_id,
            customer_is_stored=bool(customer_id) and self._has_customer(org_id, customer_id),
            removed_at=fields.get(REMOVED_AT),
            superseded_by=fields.get(orders.SUPERSEDED_BY),
            ecom_state=fields.get("ecomState"),
            run=named_run(self.database, org_id, fields.get("syncRunId")),
        )

    def _has_customer(self, org_id: str, customer_id: object) -> bool:
        path = f"{paths.customers(org_id)}/{customer_id}"
        return self.database.get_all([path], ["id"])[path].exists

    def _skipped(self, org_id: str, fields: Mapping[str, Any]) -> SkippedExplained | None:
        if not fields:
            return None
        reason = str(fields.get("reason", ""))
        known = SkipReason(reason).message if reason in set(SkipReason) else ""
        return SkippedExplained(
            reason=reason,
            message=str(fields.get("message") or known),
            pos_customer_id=fields.get("posCustomerId"),
            first_seen_at=fields.get("firstSeenAt"),
            run=named_run(self.database, org_id, fields.get("runId")),
        )
