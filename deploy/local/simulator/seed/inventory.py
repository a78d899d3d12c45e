"""Stock rows as ``POST /inventory/search`` lists them: one per batch and area."""

from random import Random
from typing import Any

from deploy.local.simulator.seed.calendar import Calendar, local_text, utc_text
from deploy.local.simulator.seed.catalog import Product
from deploy.local.simulator.seed.inventory_row import EMPTY_ROW

FIRST_BATCH_ID = 1001
_SALES_TAX = 113  # percent of the retail price that the out-the-door price is (New York)


def generate_inventory(
    products: list[Product], rows: int, locations: tuple[int, ...], calendar: Calendar, rng: Random
) -> list[dict[str, Any]]:
    """``rows`` rows at the first location, every product at least once; at each further location
    one row for every second product."""
    generated: list[dict[str, Any]] = []
    for index, location_id in enumerate(locations):
        here = products if index == 0 else products[::2]
        extra = max(0, rows - len(here)) if index == 0 else 0
        for number in range(len(here) + extra):
            area = "Sales Floor"
            if number >= len(here):
                area = "Damaged" if number % 3 == 0 else "Vault"
            product = here[number % len(here)]
            batch_id = FIRST_BATCH_ID + len(generated)
            generated.append(_row(product, batch_id, location_id, area, calendar, rng))
    return generated


def areas(location_id: int) -> list[dict[str, Any]]:
    """The areas of a location as ``GET /inventory/area`` lists them."""
    first = location_id + (location_id - 1000) * 9
    return [
        {
            "id_area": first + index,
            "id_location": location_id,
            "name": name,
            "path": name,
            "id_status": 1,
            "deleted": False,
            "priority": index,
        }
        for index, name in enumerate(("Sales Floor", "Vault", "Damaged"))
    ]


def _row(
    product: Product,
    batch_id: int,
    location_id: int,
    area_name: str,
    calendar: Calendar,
    rng: Random,
) -> dict[str, Any]:
    area = next(a for a in areas(location_id) if a["name"] == area_name)
    on_hand = rng.choice((0, rng.randint(1, 9), rng.randint(10, 60), rng.randint(10, 60)))
    available = max(0, on_hand - rng.choice((0, 0, 0, 1, 2)))
    received = calendar.opening_hours(rng.randint(3, 300), rng)
    updated = utc_text(calendar.opening_hours(2, rng))
    cost = product.cost_cents / 100 if product.cost_cents is not None else None
    return {
        **EMPTY_ROW,
        "id_batch": batch_id,
        "id_item": product.id,
        "id_item_group": product.id,
        "id_location": location_id,
        "id_area": area["id_area"],
        "item": product.name,
        "batch": f"B{batch_id:05d}",
        "brand": product.brand,
        "vendor": product.vendor,
        "category": product.category,
        "strain": product.strain,
        "location": location_name(location_id),
        "area": area_name,
        "area_path": area_name,
        "area_type": "Damaged" if area_name == "Damaged" else "Retail",
        "delivery_route": product.delivery_route,
        "on_hand": on_hand,
        "available": available,
        "all_on_hand_per_location": on_hand,
        "all_available_per_location": available,
        "all_avaliable_per_location": available,
        "has_inventory": on_hand > 0,
        "has_available_inventory": available > 0,
        **_prices(product),
        "cost_of_good": cost,
        "batch_cost_of_good": cost,
        "weight_useable": product.grams,
        "weight_useable_uom": "Grams" if product.grams else "Each",
        "weight_useable_uom_short": "g" if product.grams else "ea",
        "thc": product.thc if product.thc_as_number else None,
        "compounds": _compounds(product),
        "date_received": local_text(received),
        "date_expire": calendar.day(-rng.randint(120, 600)).isoformat(),
        "date_updated": updated,
        "batch_date_updated": updated,
        "vendor_batch_id": f"V-{batch_id}",
    }


def location_name(location_id: int) -> str:
    """The name of a location."""
    return ("Main Street", "Riverside", "Old Mill", "Station Road")[location_id % 4]


def _prices(product: Product) -> dict[str, float]:
    """Prices in dollars, under the one suffix the product is sold under, or all 0."""
    use = "medical_use" if product.medical else "adult_use"
    retail = product.price_cents if product.priced else 0
    out_the_door = (retail * _SALES_TAX + 50) // 100 if product.out_the_door else 0
    return {f"price_retail_{use}": retail / 100, f"price_otd_{use}": out_the_door / 100}


def _compounds(product: Product) -> list[dict[str, str]]:
    if product.thc is None:
        return []
    return [{"compound": "THC %", "result": f"{product.thc:.5f}"}]
