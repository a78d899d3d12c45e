"""What becomes of a webhook whose records the POS does not have."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.services.sync.targeted import NamedRecords
from shared.store import webhook_events
from shared.store.webhook_events import DONE, NOT_FOUND, Processed, StoredWebhook

NOW = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
MISSING = NamedRecords({"1"}, {"2", "3"}, {"4"})


def event(kind: str, **ids: Any) -> StoredWebhook:
    named = {"customer_ids": (), "order_ids": (), "product_ids": (), **ids}
    return StoredWebhook(key="k", event=kind, received_at=NOW, **named)


@pytest.mark.parametrize(
    ("webhook", "missing"),
    [
        (event("order.created", order_ids=("9", "3", "2")), ("3", "2")),
        (event("order.created", order_ids=("1", "4")), ()),
        (event("customer.updated", customer_ids=("1",)), ("1",)),
        (event("product.updated", product_ids=("4", "5")), ("4",)),
        (event("product.deleted", product_ids=("4",)), ()),
    ],
)
def test_an_event_lacks_its_own_records_unless_it_says_that_they_are_gone(
    webhook: StoredWebhook, missing: tuple[str, ...]
) -> None:
    assert MISSING.of_event(webhook) == missing


def test_each_event_is_stored_with_its_own_end() -> None:
    ends = {"a": Processed(DONE), "b": Processed(NOT_FOUND, ("3",))}

    done, not_found = webhook_events.processed("org_x", ends, run_id="r", now=NOW)

    assert done.path == "tenants/org_x/webhook_events/a"
    assert done.fields == {"state": "done", "runId": "r", "settledAt": NOW}
    assert not_found.fields == {**done.fields, "state": "not_found", "notFound": ["3"]}
