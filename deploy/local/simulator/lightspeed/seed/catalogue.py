"""What a retailer has beside people and sales: outlets, registers, products and their stock."""

from dataclasses import dataclass
from random import Random
from typing import Any

from deploy.local.simulator.lightspeed.seed.ids import dollars, iso_text, record_id, tax_of
from deploy.local.simulator.lightspeed.spec import RetailerSpec
from deploy.local.simulator.seed.calendar import OLDEST_AGE, Calendar
from deploy.local.simulator.seed.catalog import generate_products

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Ware:
    """A product as sales and eCom orders name it; the price is that of one, without tax."""

    id: str
    sku: str
    name: str
    category: str
    price_cents: int


@dataclass(frozen=True, slots=True)
class Assortment:
    """The rows of each list, and the products once more as what is sold."""

    rows: dict[str, Rows]
    wares: list[Ware]
    tax_id: str
    user_id: str

    @property
    def outlet_ids(self) -> list[str]:
        """The shops."""
        return [str(row["id"]) for row in self.rows["outlets"]]

    @property
    def tills(self) -> list[tuple[str, str]]:
        """Register and outlet of each till; the online register is not one."""
        return [(row["id"], row["outlet_id"]) for row in self.rows["registers"][:-1]] or [
            self.online
        ]

    @property
    def online(self) -> tuple[str, str]:
        """The register that eCom orders are rung up on, and its outlet."""
        row = self.rows["registers"][-1]
        return row["id"], row["outlet_id"]


def generate_catalogue(spec: RetailerSpec, calendar: Calendar, rng: Random) -> Assortment:
    """The retailer's lists; every row has been there from the beginning."""
    stamp = iso_text(calendar.opening_hours(OLDEST_AGE + 400, rng))
    dates = {"created_at": stamp, "updated_at": stamp, "deleted_at": None}
    outlets = [_outlet(number, spec, rng) | dates for number in range(spec.outlets)]
    registers = [_register(n, spec, outlets, rng) | dates for n in range(spec.registers)]
    plain = generate_products(spec.products, rng)
    named = {
        "brands": sorted({each.brand for each in plain if each.brand}),
        "suppliers": sorted({each.vendor for each in plain}),
        "product_categories": sorted({each.category.split(" > ")[-1] for each in plain}),
    }
    lists: dict[str, Rows] = {
        kind: [{"id": record_id(rng), "name": name, **dates} for name in names]
        for kind, names in named.items()
    }
    by_name = {(kind, row["name"]): row for kind, rows in lists.items() for row in rows}
    products: Rows = []
    wares: list[Ware] = []
    for each in plain:
        category = by_name["product_categories", each.category.split(" > ")[-1]]
        ware = Ware(record_id(rng), f"SKU{each.id}", each.name, category["name"], each.price_cents)
        wares.append(ware)
        brand = by_name.get(("brands", each.brand))
        products.append(
            {
                "id": ware.id,
                "source_id": None,
                "handle": each.name.lower().replace(" ", "-"),
                "sku": ware.sku,
                "name": each.name,
                "variant_name": each.name,
                "variant_parent_id": None,
                "is_active": rng.random() > 0.03,
                "has_inventory": True,
                "description": None,
                "brand": brand and {"id": brand["id"], "name": brand["name"]},
                "supplier": {
                    "id": by_name["suppliers", each.vendor]["id"],
                    "name": each.vendor,
                },
                "product_category": {
                    "id": category["id"],
                    "name": category["name"],
                    "category_path": [{"id": category["id"], "name": category["name"]}],
                },
                "supply_price": dollars(each.cost_cents) if each.cost_cents else 0,
                "price_excluding_tax": dollars(ware.price_cents),
                "price_including_tax": dollars(ware.price_cents + tax_of(ware.price_cents)),
                "loyalty_amount": None,
                "image_url": f"https://images.example.com/{ware.sku}.jpg",
                **dates,
            }
        )
    lists |= {"outlets": outlets, "registers": registers, "products": products}
    lists["inventory"] = [
        _stock(product, outlet, position, dates, rng)
        for outlet in outlets
        for position, product in enumerate(products)
        if outlet is outlets[0] or position % 2
    ]
    return Assortment(lists, wares, record_id(rng), record_id(rng))


def _outlet(number: int, spec: RetailerSpec, rng: Random) -> dict[str, Any]:
    return {
        "id": record_id(rng),
        "name": f"{spec.company} {number + 1}",
        "currency": "USD",
        "currency_symbol": "$",
        "display_prices": "exclusive",
        "time_zone": spec.timezone,
        "physical_address_1": f"{10 + number} Invented Street",
        "physical_city": "Fairmont",
        "physical_state": "NY",
        "physical_postcode": "10000",
        "physical_country_id": "US",
        "email": None,
        "phone": "518 555 0100",
    }


def _register(number: int, spec: RetailerSpec, outlets: Rows, rng: Random) -> dict[str, Any]:
    online = number == spec.registers - 1
    return {
        "id": record_id(rng),
        "name": "Online Register" if online else f"Register {number + 1}",
        "outlet_id": outlets[0 if online else number % len(outlets)]["id"],
        "invoice_prefix": "",
        "invoice_sequence": 1,
        "is_open": True,
        "is_quick_keys_enabled": True,
        "register_open_time": None,
        "register_close_time": None,
    }


def _stock(
    product: dict[str, Any],
    outlet: dict[str, Any],
    position: int,
    dates: dict[str, Any],
    rng: Random,
) -> dict[str, Any]:
    level = -1 if position % 41 == 7 else rng.choice((0, 3, 8, 12, 25, 60, 7.5))
    return {
        "id": record_id(rng),
        "outlet_id": outlet["id"],
        "product_id": product["id"],
        "inventory_level": level,
        "current_amount": level,
        "average_cost": product["supply_price"],
        "reorder_point": None,
        "reorder_amount": None,
        **dates,
    }
