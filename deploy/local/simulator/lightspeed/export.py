"""``ecom_orders_export.csv``, as the eCom shop exports its orders.

Semicolons, 109 columns, a row for each line of an order, cells with line breaks in quotes.
``python -m deploy.local.simulator.lightspeed.export FILE`` writes that of a named retailer, or one
of as many rows as wanted.
"""

import argparse
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

from deploy.local.simulator.lightspeed.seed.ecom import ShopOrder
from deploy.local.simulator.lightspeed.seed.sale import Bought

_PERSON = (
    *("name", "street_1", "street_2", "city", "country_code", "postal_code", "state_code"),
    *("country_name", "state_name", "phone"),
)
_UTM = tuple(
    f"utm_{name}{'' if number == 1 else f'_{number}'}"
    for number in range(1, 11)
    for name in ("source", "medium", "campaign")
)
HEADER = (
    *("order_number", "email", "sku", "name", "weight", "price", "total", "quantity", "options"),
    *("tax_details", "customer_tax_exempt", "customer_tax_id", "reversed_tax_applied", "timestamp"),
    *(f"shipto_person_{field}" for field in _PERSON),
    *(f"bill_person_{field}" for field in _PERSON),
    *("customer_group", "payment_method", "shipping_method", "payment_status"),
    *("fulfillment_status", "payment_status_code", "fulfillment_status_code", "order_subtotal"),
    *("order_tax", "order_shipping", "order_handling_fee", "order_total"),
    *(f"order_tax_{number}_{field}" for number in range(1, 5) for field in ("name", "value")),
    *("order_tracking_number", "coupon_code", "coupon_discount", "volume_discount"),
    *("detail_discount", "discount", "order_weight", "order_comments", "affiliate_id"),
    *_UTM,
    *("customer_ipaddress", "note_for_staff", "accept_marketing", "referer_id"),
    *("gift_card_redemption", "masked_gift_card_code", "pickup_time", "payment_transaction_id"),
    *("tips", "surcharges", "Pickup date and time", "Delivery date and time", "Age check"),
    *("null", "X-series Order ID", "language"),
)
SALE_ID = "X-series Order ID"
_COLUMNS = {column: number for number, column in enumerate(HEADER)}
_COMMENT_EVERY = 17


def export_rows(
    orders: Iterable[ShopOrder], named: Callable[[ShopOrder], bool]
) -> Iterator[list[str]]:
    """The header, then the lines of each order. ``named`` says of which orders the export names the
    sale."""
    yield list(HEADER)
    for order in orders:
        shared = [""] * len(HEADER)
        _fill(shared, _of_order(order, order.sale_id if named(order) else ""))
        for line in order.lines:
            row = shared.copy()
            _fill(row, _of_line(line))
            yield row


def write_export(path: Path, rows: Iterable[Sequence[str]]) -> int:
    """Write an export; how many rows it has beside its header."""
    written = -1
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        for row in rows:
            writer.writerow(row)
            written += 1
    return max(written, 0)


def _fill(row: list[str], cells: dict[str, str]) -> None:
    for column, text in cells.items():
        row[_COLUMNS[column]] = text


def _of_order(order: ShopOrder, sale_id: str) -> dict[str, str]:
    contact = order.contact
    person = {
        "name": contact.name,
        "street_1": contact.street,
        "city": contact.city,
        "country_code": "US",
        "postal_code": "10000",
        "state_code": contact.state,
        "country_name": "United States",
        "state_name": contact.state,
        "phone": contact.phone,
    }
    window = f"{order.placed:%b} {order.placed.day}, 18:00-19:00"
    return {
        "order_number": str(order.number),
        "email": contact.email,
        "customer_tax_exempt": "false",
        "reversed_tax_applied": "false",
        "timestamp": export_time(order.placed),
        **{f"shipto_person_{field}": text for field, text in person.items() if order.delivery},
        **{f"bill_person_{field}": text for field, text in person.items()},
        "payment_method": "Pay at the counter",
        "shipping_method": "Delivery" if order.delivery else "Pickup",
        "payment_status": order.payment[0],
        "payment_status_code": order.payment[1],
        "fulfillment_status": order.fulfilment[0],
        "fulfillment_status_code": order.fulfilment[1],
        "order_subtotal": _money(order.subtotal_cents),
        "order_tax": _money(order.tax_cents),
        "order_shipping": _money(order.fee_cents),
        "order_handling_fee": "0.00",
        "order_total": _money(order.total_cents),
        "order_tax_1_name": "State tax",
        "order_tax_1_value": _money(order.tax_cents),
        "coupon_discount": "0.00",
        "volume_discount": "0.00",
        "discount": "0.00",
        "order_weight": "0",
        "order_comments": _comment(order),
        "utm_source": "newsletter" if order.number % 9 == 0 else "",
        "customer_ipaddress": "203.0.113.7",
        "accept_marketing": "true" if order.number % 3 else "false",
        "pickup_time": "" if order.delivery else window,
        "tips": "0.00",
        "Pickup date and time": "" if order.delivery else window,
        "Delivery date and time": window if order.delivery else "",
        "Age check": "I am 21 or older",
        SALE_ID: sale_id,
        "language": "en",
    }


def _of_line(line: Bought) -> dict[str, str]:
    tax = _money(line.tax_cents)
    return {
        "sku": line.ware.sku,
        "name": line.ware.name,
        "weight": "0",
        "price": _money(line.ware.price_cents - line.off_cents),
        "total": _money(line.net_cents),
        "quantity": str(line.quantity),
        "options": "",
        "tax_details": f"State tax: {tax}\nCounty tax: 0.00\nof {_money(line.net_cents)}; rounded",
    }


def _comment(order: ShopOrder) -> str:
    if order.number % _COMMENT_EVERY:
        return ""
    return f'Please ring "{order.contact.last_name}";\nback door, not the front'


def export_time(moment: datetime) -> str:
    """``Jan 5, 2026 03:30 PM``: the shop's own time."""
    return f"{moment:%b} {moment.day}, {moment:%Y %I:%M %p}"


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def main() -> None:
    """Write an export to a file."""
    # The module that generates the orders imports this one.
    from deploy.local.simulator.lightspeed.dataset import RetailerData, generated_orders
    from deploy.local.simulator.lightspeed.spec import large_retailer, named_retailers

    parser = argparse.ArgumentParser(prog="python -m deploy.local.simulator.lightspeed.export")
    parser.add_argument("file", type=Path)
    parser.add_argument("--retailer", default="org_cove")
    parser.add_argument("--rows", type=int, help="so many rows, of as many orders as it takes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--today", type=date.fromisoformat, default=datetime.now(UTC).date())
    options = parser.parse_args()
    specs = {s.id: s for s in (*named_retailers(options.seed), large_retailer(options.seed))}
    spec = specs[options.retailer]
    if options.rows is None:
        rows = RetailerData(spec, options.today).export()
    else:
        orders = generated_orders(spec, options.today, options.rows)
        rows = islice(export_rows(orders, lambda _: False), options.rows + 1)
    print(f"{write_export(options.file, rows):,} rows in {options.file}")


if __name__ == "__main__":
    main()
