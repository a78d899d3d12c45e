"""The figures of an org's customers as they are stored, held against those of
``retailer_figures``."""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from tests import retailer_figures
from tests.stored import Fields, StoredDocuments

_SHOWN = 10
_SUMS = {
    "cents": lambda row: _cents(row["totalSpent"]),
    "count": lambda row: row["orderCount"],
    "average": lambda row: _cents(row["avgOrderValue"]),
    "first": lambda row: row.get("firstOrderDate"),
    "last": lambda row: row.get("lastOrderDate"),
}
_CUSTOMER = _SUMS | {
    "email": lambda row: "" if row["email"].endswith(".local") else row["email"],
    "phone": lambda row: row.get("phone") or "",
    "segment": lambda row: row["segment"],
    "frequency": lambda row: (row.get("rfm") or {}).get("frequency", 0),
    "monetary": lambda row: _cents((row.get("rfm") or {}).get("monetary", 0)),
    "frequency_score": lambda row: _score(row, "frequency"),
    "monetary_score": lambda row: _score(row, "monetary"),
    "duplicate_of": lambda row: row.get("duplicateOf") or "",
    "duplicates": lambda row: ";".join(row.get("duplicateIds") or ()),
    "ecom_cents": lambda row: _cents(row["ecomSpent"]),
    "retail_cents": lambda row: _cents(row["retailSpent"]),
    "ecom_count": lambda row: row["ecomOrderCount"],
    "retail_count": lambda row: row["retailOrderCount"],
    "rolling_cents": lambda row: _cents(row["rolling90DaySpent"]),
    "rolling_count": lambda row: row["rolling90DayOrderCount"],
    "vip": lambda row: row["isVip"],
    "high_value": lambda row: row["isHighValue"],
    "inactive": lambda row: row["inactiveSegment"],
    "tier": lambda row: row["spendTier"],
}


class FiguresCheck:
    """Compares what is stored of an org with what pandas makes of its retailer's rows."""

    def __init__(self, store: StoredDocuments, org_id: str, zone: str) -> None:
        self._store = store
        self._org_id = org_id
        self._zone = zone

    def expected(
        self, data: retailer_figures.Rows, exported: pd.DataFrame | None, as_of: datetime
    ) -> pd.DataFrame:
        """The figures, one row for each customer."""
        customers = retailer_figures.customers_of(data)
        orders = retailer_figures.orders_of(data, exported, self._zone)
        return retailer_figures.figures(customers, orders, as_of)

    def differences(self, expected: pd.DataFrame, report: bytes) -> list[str]:
        """Where customers, their spending documents and the weekly ``report`` (its file) say
        something else, a line each; the first few."""
        people = self._documents("customers")
        present = {i: row for i, row in people.items() if not row.get("removedFromPosAt")}
        bought = expected["count"] > 0
        wanted = expected.assign(
            frequency=expected["count"],
            monetary=expected["cents"].where(bought, 0),
            frequency_score=expected["frequency_score"].where(bought, 0),
            monetary_score=expected["monetary_score"].where(bought, 0),
        )
        spent = self._documents("customer_spending")
        own = {k.removeprefix("cid_"): row for k, row in spent.items() if k.startswith("cid_")}
        by_email = {k: row for k, row in spent.items() if not k.startswith("cid_")}
        emails = retailer_figures.spending_by_email(expected)
        told = pd.read_csv(io.BytesIO(report), dtype=str, keep_default_na=False)
        rows = told.set_index("Customer ID").drop(columns="Customer Code")
        return [
            *_differences("customer", wanted[[*_CUSTOMER]], _table(present, _CUSTOMER)),
            *_differences("spending", wanted[[*_SUMS]], _table(own, _SUMS)),
            *_differences("e-mail", emails[[*_SUMS]], _table(by_email, _SUMS)),
            *_differences("report", retailer_figures.report_of(expected), rows),
        ]

    def _documents(self, collection: str) -> dict[str, Fields]:
        return self._store.documents(f"tenants/{self._org_id}/{collection}")


def _table(documents: Mapping[str, Fields], columns: Mapping[str, Any]) -> pd.DataFrame:
    rows = {key: [read(row) for read in columns.values()] for key, row in documents.items()}
    found = pd.DataFrame.from_dict(rows, orient="index", columns=[*columns], dtype=object)
    return found.sort_index()


def _differences(what: str, expected: pd.DataFrame, found: pd.DataFrame) -> Sequence[str]:
    lines = [f"{what} {key} is missing" for key in expected.index.difference(found.index)]
    lines += [f"{what} {key} is too much" for key in found.index.difference(expected.index)]
    shared = expected.index.intersection(found.index)
    for name in expected.columns:
        wanted, stored = expected[name][shared], found[name][shared]
        for key, value, other in zip(shared, wanted, stored, strict=True):
            if _plain(value) != _plain(other):
                lines.append(f"{what} {key}: {name} is {other!r}, not {value!r}")
    return lines[:_SHOWN]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return None if pd.isna(value) else pd.Timestamp(value).tz_convert(UTC)
    return None if value is None or value is pd.NaT else value


def _cents(dollars: float) -> int:
    return round(dollars * 100)


def _score(row: Fields, name: str) -> int:
    found: int = (row.get("rfm") or {}).get("scores", {}).get(name, 0)
    return found
