"""An invented purchase history as CSV, and what pandas makes of it: nothing of the product is used.

The history has what real ones have: ties, refunds, several orders on a day, one-order customers,
customers without orders, orders that do not count, local times and times with a zone.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

ZONE = "America/New_York"
STATUSES = ["", "completed", "delivered", "ready", "cancelled", "pending", "voided", "refunded"]
SHARES = [0.4, 0.25, 0.05, 0.05, 0.05, 0.05, 0.05, 0.1]
COUNTING = {"completed", "delivered", "ready", "refunded"}


def customers(count: int) -> pd.DataFrame:
    """One row per customer."""
    ids = np.arange(1, count + 1)
    return pd.DataFrame(
        {
            "id_customer": ids,
            "name_first": [f"Buyer{i}" for i in ids],
            "email": [f"buyer{i}@example.com" if i % 3 else "" for i in ids],
        }
    )


def orders(customer_count: int, order_count: int, today: datetime, seed: int) -> pd.DataFrame:
    """One row per order, as the POS has it; a few customers place many of them."""
    rng = np.random.default_rng(seed)
    buyers = 1 + np.minimum(
        (rng.pareto(1.2, order_count) * 60).astype(int) + rng.integers(0, 50, order_count),
        int(customer_count * 0.9),
    )
    # Every second buyer of the rest places just one order.
    buyers[: customer_count // 3] = rng.permutation(customer_count)[: customer_count // 3] + 1
    status = rng.choice(STATUSES, order_count, p=SHARES)
    cents = rng.integers(100, 20_000, order_count)
    cents[rng.random(order_count) < 0.3] = 3_000
    days = rng.integers(0, 400, order_count)
    minutes = rng.integers(0, 12 * 60, order_count)
    minutes[rng.random(order_count) < 0.2] = 60
    times = [
        (today - timedelta(days=int(day), minutes=int(minute)))
        for day, minute in zip(days, minutes, strict=True)
    ]
    local = rng.random(order_count) < 0.5
    return pd.DataFrame(
        {
            "id_order": np.arange(1, order_count + 1),
            "id_customer": buyers,
            "type": np.where(rng.random(order_count) < 0.7, "retail", "pickup"),
            "status": status,
            "total": [f"{c / 100:.2f}" for c in cents],
            "date_created": [
                _local(time) if is_local else time.isoformat().replace("+00:00", "Z")
                for time, is_local in zip(times, local, strict=True)
            ],
        }
    )


def figures(bought: pd.DataFrame, customer_ids: pd.Series, as_of: datetime) -> pd.DataFrame:
    """By customer id: cents, count, first, last, days, segment, and the RFM scores of both kinds;
    ``bought`` as read back from its CSV, all text."""
    orders = pd.DataFrame(
        {
            "customer": bought["id_customer"].astype(int),
            "cents": (bought["total"].str.replace(".", "")).astype(int),
            "at": bought["date_created"].map(_instant),
        }
    )
    refund = bought["status"] == "refunded"
    counted = bought["status"].isin(COUNTING) | (
        (bought["status"] == "") & (bought["type"] == "retail")
    )
    orders["cents"] = orders["cents"].where(~refund, -orders["cents"])
    sales = orders[counted & ~refund].groupby("customer")
    found = pd.DataFrame(index=pd.Index(customer_ids.astype(int), name="customer"))
    found["cents"] = orders[counted].groupby("customer")["cents"].sum()
    found["count"] = sales.size()
    found[["cents", "count"]] = found[["cents", "count"]].fillna(0).astype(int)
    found["first"], found["last"] = sales["at"].min(), sales["at"].max()
    found["days"] = (pd.Timestamp(as_of) - found["last"]).dt.days
    found["segment"] = segments(found)
    buyers = found[found["count"] > 0]
    for name, figure, bounds in (
        ("recency", -buyers["days"], [-90, -60, -45, -14]),
        ("frequency", buyers["count"], [2, 3, 5, 10]),
        ("monetary", buyers["cents"], [50_00, 150_00, 500_00, 1000_00]),
    ):
        found[name] = 1 + sum((figure >= bound).astype(int) for bound in bounds)
        # Twice the average rank is a whole number: no rounding moves a tie.
        twice = (2 * figure.rank(method="average")).astype(int) - 1
        found[f"{name}_quantile"] = 1 + 5 * twice // (2 * len(buyers))
    return found


def segments(found: pd.DataFrame) -> pd.Series:
    """The segment of each customer, by cents, count and days since the last order."""
    conditions = [
        found["count"] == 0,
        (found["cents"] >= 1000_00) & (found["count"] >= 10),
        (found["count"] >= 5) & (found["days"] < 60),
        found["days"] > 90,
        found["days"] > 45,
        found["count"] >= 2,
    ]
    names = ["new", "vip", "loyal", "churned", "at_risk", "returning"]
    return pd.Series(np.select(conditions, names, "new"), index=found.index)


def _local(time: datetime) -> str:
    text: str = pd.Timestamp(time).tz_convert(ZONE).strftime("%Y-%m-%dT%H:%M:%S")
    return text


def _instant(text: str) -> pd.Timestamp:
    moment = pd.Timestamp(text)
    if moment.tzinfo is None:
        moment = moment.tz_localize(ZONE, ambiguous=True)
    return moment.tz_convert(UTC)
