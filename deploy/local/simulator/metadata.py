"""The small lists around the records: locations, brands, categories, vendors, discounts."""

from datetime import date, timedelta
from typing import Any

from deploy.local.simulator.org import Org
from deploy.local.simulator.seed.catalog import BRANDS, FIRST_ITEM_ID
from deploy.local.simulator.seed.inventory import areas, location_name

METRC_KEY = "simulated-metrc-key-that-nobody-may-store"


def locations(org: Org) -> list[dict[str, Any]]:
    """``GET /location``; it carries a secret, as the real one does."""
    return [_location(org, location_id) for location_id in org.spec.location_ids]


def named(org: Org, kind: str) -> list[dict[str, Any]]:
    """``GET /inventory/{brand,category,vendor}``: what the stock rows name, in order."""
    names = sorted({row[kind] for row in org.dataset.inventory if row.get(kind)})
    return [{f"id_{kind}": 1 + index, kind: name} for index, name in enumerate(names)]


def discounts(org: Org) -> list[dict[str, Any]]:
    """``GET /discount``: those that were given, else one of each type, one over, one switched
    off."""
    if org.discounts is not None:
        return org.discounts
    today = org.today
    return [
        _discount(1, "Vape week", "percent", 20, today, categories=["Vapes"]),
        _discount(2, "Five off", "amount", 5, today, brands=[BRANDS[0]], priority=2),
        _discount(3, "Ten dollar item", "fixed_price", 10, today, products=[FIRST_ITEM_ID + 2]),
        _discount(4, "Two for one", "bogo", 0, today, categories=["Edibles"]),
        _discount(5, "Last season", "percent", 50, today - timedelta(days=200)),
        {**_discount(6, "Switched off", "percent", 90, today), "active": False},
    ]


def batch(row: dict[str, Any]) -> dict[str, Any]:
    """``GET /inventory/batch/{id}``: the first stock row, with what only a look-up tells. One that
    the stock list gives no expiry keeps for a year from its arrival."""
    received = date.fromisoformat(str(row.get("date_received") or "2026-01-01")[:10])
    return {
        **row,
        "date_expire": row.get("date_expire") or (received + timedelta(days=365)).isoformat(),
        "date_package": (received - timedelta(days=7)).isoformat(),
        "date_production": (received - timedelta(days=21)).isoformat(),
        "date_harvest": (received - timedelta(days=60)).isoformat(),
        "metrc_package_label": f"1A4SIM{row['id_batch']:018d}",
    }


def _discount(
    number: int,
    name: str,
    discount_type: str,
    value: float,
    around: date,
    *,
    categories: list[str] | None = None,
    brands: list[str] | None = None,
    products: list[int] | None = None,
    priority: int = 1,
) -> dict[str, Any]:
    return {
        "id_discount": number,
        "name": name,
        "description": name,
        "discount_type": discount_type,
        "discount_value": value,
        "start_date": (around - timedelta(days=30)).isoformat(),
        "end_date": (around + timedelta(days=60)).isoformat(),
        "active": True,
        "conditions": {
            "categories": categories or [],
            "brands": brands or [],
            "products": products or [],
            "min_qty": None,
            "min_total": None,
            "customer_types": [],
        },
        "badge_text": None,
        "priority": priority,
    }


def _location(org: Org, location_id: int) -> dict[str, Any]:
    changed = f"{org.today - timedelta(days=90)}T12:00:00.000Z"
    return {
        "id_location": location_id,
        "legal_name": f"{org.spec.company} LLC",
        "location": location_name(location_id),
        "reference": None,
        "license": f"SIM-{org.spec.company_id % 1_000_000:06d}",
        "dea": None,
        "npi": None,
        "address": f"{location_id} Example Street",
        "city": "Fairmont",
        "state": "NY",
        "postal_code": "10000",
        "country": "US",
        "phone": "+12125550100",
        "timezone": org.spec.timezone,
        "retail": True,
        "pickup": True,
        "delivery": True,
        "curbside": False,
        "kiosk": False,
        "drive_through": False,
        "delivery_zipcodes": [],
        "local_tax_percentage": 4,
        "active": True,
        "custom_id": None,
        "created_by": 1,
        "updated_by": 1,
        "date_updated": changed,
        "date_created": changed,
        "metrc_facility_license_number": None,
        "metrc_system_api_key": METRC_KEY,
        "metrc_last_crawl": None,
        "metrc_use_processing": False,
        "is_adult_use": True,
        "is_medical_use": True,
        "express_delivery": False,
        "is_metrc": False,
        "is_biotrack": False,
        "tax_group_list": [{"id_tax_group": 1, "name": "State"}],
        "pos_configuration_list": [],
        "safe_list": [{"id_safe": 1, "name": "Main safe"}],
        "id_state": 33,
        "full_state_name": "New York",
        "areas": areas(location_id),
    }
