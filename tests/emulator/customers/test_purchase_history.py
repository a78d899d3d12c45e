"""A purchase history loaded as CSV goes through the whole bundle and comes out as pandas has it."""

import io
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from deploy.local.simulator.spec import OrgSpec
from shared.domain import order_windows
from shared.domain.order_windows import ROWS_ACCEPTED, ROWS_AIMED_AT
from shared.services.sync import order_listings
from shared.store import customers
from tests.emulator.customers import purchase_history
from tests.emulator.environment import Environment
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_history"
CUSTOMERS, ORDERS = (5_000, 11_000) if os.environ.get("LONG") else (1_250, 2_800)
SHARE = 1 if os.environ.get("LONG") else 3
"""More customers than are listed at once, and more orders than one window of days may have: of
limits that are a third of what they are, except in the long form."""
SEED = int(os.environ.get("SEED", "4"))


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    """None: the test loads its own."""
    return ()


@pytest.mark.timeout(600)
def test_spending_and_rfm_of_thousands_of_customers_equal_those_of_pandas(
    environment: Environment,
    pos: SimulatedPos,
    store: StoredDocuments,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(customers, "PAGE", customers.PAGE // SHARE)
    monkeypatch.setattr(order_windows, "ROWS_AIMED_AT", ROWS_AIMED_AT // SHARE)
    monkeypatch.setattr(order_listings, "ROWS_ACCEPTED", ROWS_ACCEPTED // SHARE)
    # Given a history, loaded as anybody can load one
    today = datetime.now(UTC).replace(microsecond=0)
    people = purchase_history.customers(CUSTOMERS).to_csv(index=False)
    orders = purchase_history.orders(CUSTOMERS, ORDERS, today, SEED).to_csv(index=False)
    org = {"id": ORG, "timezone": purchase_history.ZONE, "customers": people, "orders": orders}
    made = pos.control("POST", "orgs", org)
    assert made["sizes"] == {"customers": CUSTOMERS, "orders": ORDERS, "inventory": 0}
    environment.org_config.add_locations(environment.server)
    # When
    run = environment.sync.run(ORG)
    environment.spending.compute_requested()
    # Then everything is stored
    assert run["state"] == "succeeded", run
    stored = store.documents(f"tenants/{ORG}/customers")
    as_of = max(found["rfm"]["asOf"] for found in stored.values() if "rfm" in found)
    bought = pd.read_csv(io.StringIO(orders), dtype=str, keep_default_na=False)
    listed = pd.read_csv(io.StringIO(people), dtype=str)["id_customer"]
    expected = purchase_history.figures(bought, listed, as_of)
    assert len(stored) == len(expected) == CUSTOMERS
    # and the history has what a real one has
    assert set(expected["segment"]) == {"vip", "loyal", "returning", "new", "at_risk", "churned"}
    assert (expected["count"] == 1).sum() > 500 // SHARE
    assert (expected["count"] == 0).sum() > 100 // SHARE
    assert (expected["cents"] < 0).any()
    # and every customer's figures are those of pandas, to the cent and the day
    for customer_id, row in expected.iterrows():
        assert _as_stored(stored[str(customer_id)]) == _as_expected(row), customer_id


def _as_stored(found: dict[str, Any]) -> dict[str, Any]:
    rfm = found.get("rfm") or {}
    monetary = rfm.get("monetary")
    return {
        "cents": round(found["totalSpent"] * 100),
        "count": found["orderCount"],
        "first": found.get("firstOrderDate"),
        "last": found.get("lastOrderDate"),
        "segment": found["segment"],
        "days": rfm.get("recencyDays"),
        "frequency": rfm.get("frequency"),
        "monetary": None if monetary is None else round(monetary * 100),
        "scores": rfm.get("scores"),
        "quantiles": {k: v for k, v in rfm["quantiles"].items() if k != "asOf"} if rfm else None,
    }


def _as_expected(row: Any) -> dict[str, Any]:
    names = ("recency", "frequency", "monetary")
    buyer = row["count"] > 0
    return {
        "cents": row["cents"],
        "count": row["count"],
        "first": row["first"] if buyer else None,
        "last": row["last"] if buyer else None,
        "segment": row["segment"],
        "days": row["days"] if buyer else None,
        "frequency": row["count"] if buyer else None,
        "monetary": row["cents"] if buyer else None,
        "scores": {name: row[name] for name in names} if buyer else None,
        "quantiles": {name: row[f"{name}_quantile"] for name in names} if buyer else None,
    }
