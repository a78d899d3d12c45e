"""What a menu must show, recalculated from the POS's own data: nothing of the product is used.

The rules are those of docs/contract.md.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

PRICES = (
    "price_otd_adult_use",
    "price_otd_medical_use",
    "price_otd",
    "price_retail_adult_use",
    "price_retail_medical_use",
    "price_retail",
)
FACTORS = {
    "Flower": "2.2",
    "Vapes": "2.0",
    "Concentrates": "2.0",
    "Edibles": "2.3",
    "Pre Rolls": "2.1",
    "Beverages": "2.4",
    "Tinctures": "2.3",
    "Topicals": "2.3",
}
CENT = Decimal("0.01")


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def category_of(row: Row) -> str:
    return str(row["category"]).removeprefix("Category > ")


def price_of(row: Row) -> tuple[Decimal, str] | None:
    """Price and source by the cascade, else by markup."""
    for name in PRICES:
        if row[name] > 0:
            return Decimal(str(row[name])), "otd" if "otd" in name else "retail"
    cost = row["cost_of_good"] or row["batch_cost_of_good"]
    if not cost:
        return None
    factor = Decimal(FACTORS.get(category_of(row), "2.2"))
    return rounded(Decimal(str(cost)) * factor), "markup"


def sells(row: Row, today: date) -> bool:
    expired = row["date_expire"] is not None and date.fromisoformat(row["date_expire"]) < today
    return row["area_type"] != "Damaged" and not expired


def products(rows: list[Row], today: date) -> dict[str, dict[str, Any]]:
    """Price, source, quantity, availability and stock by location of every product."""
    items: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        items[str(row["id_item"])].append(row)
    return {item_id: _product(item_rows, today) for item_id, item_rows in items.items()}


def _product(rows: list[Row], today: date) -> dict[str, Any]:
    stock = {}
    for location in sorted({row["id_location"] for row in rows}):
        here = [row for row in rows if row["id_location"] == location]
        quantity = sum(row["available"] for row in here if sells(row, today))
        leading = min(here, key=lambda row: (not sells(row, today), row["id_batch"]))
        price = price_of(leading)
        stock[str(location)] = {
            "available": quantity > 0 and price is not None,
            "quantity": quantity,
            "price": float(price[0]) if price else 0.0,
        }
    lead = min(rows, key=lambda r: (not sells(r, today), r["id_location"], r["id_batch"]))
    price = price_of(lead)
    thc = (
        lead["thc"]
        if lead["thc"] is not None
        else next((float(c["result"]) for c in lead["compounds"] if c["compound"] == "THC %"), None)
    )
    return {
        "name": lead["item"],
        "brand": lead["brand"],
        "category": category_of(lead),
        "price": float(price[0]) if price else 0.0,
        "priceSource": price[1] if price else None,
        "cost": lead["cost_of_good"],
        "thcPercent": thc,
        "quantity": sum(here["quantity"] for here in stock.values()),
        "available": any(here["available"] for here in stock.values()),
        "stock": stock,
    }


def sale(
    item_id: str, product: dict[str, Any], discounts: list[Row], zone: str, now: datetime
) -> dict[str, Any]:
    """The sale fields of a product."""
    running = [d for d in discounts if d["active"] and _runs(d, ZoneInfo(zone), now)]
    ranked = []
    for discount in running:
        named = discount["conditions"]
        if int(item_id) in named["products"]:
            rank = 0
        elif product["category"] in named["categories"]:
            rank = 1
        elif product["brand"] in named["brands"]:
            rank = 2
        else:
            continue
        ranked.append((rank, -discount["priority"], discount["id_discount"], discount))
    if not ranked or not product["price"]:
        return {"isOnSale": False}
    discount = min(ranked)[3]
    price, value = Decimal(str(product["price"])), Decimal(str(discount["discount_value"]))
    kind = discount["discount_type"]
    lowered = {
        "percent": rounded(price * (100 - value) / 100),
        "amount": max(Decimal(0), price - value),
        "fixed_price": value,
        "bogo": None,
    }[kind]
    if lowered is not None and lowered >= price:
        return {"isOnSale": False}
    badge = {
        "percent": f"{value}% OFF",
        "amount": f"${value} OFF",
        "fixed_price": "SALE",
        "bogo": "BOGO",
    }[kind]
    fields = {
        "isOnSale": True,
        "saleBadgeText": discount["badge_text"] or badge,
        "discountId": str(discount["id_discount"]),
        "saleEndsAt": _end(discount, ZoneInfo(zone)),
    }
    return fields if lowered is None else {**fields, "salePrice": float(lowered)}


def _runs(discount: Row, zone: ZoneInfo, now: datetime) -> bool:
    start = _midnight(date.fromisoformat(discount["start_date"]), zone)
    return start <= now < _end(discount, zone)


def _end(discount: Row, zone: ZoneInfo) -> datetime:
    return _midnight(date.fromisoformat(discount["end_date"]) + timedelta(days=1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
