"""Rows as Alleaves sends them, of invented people and goods."""

from typing import Any


def customer(**fields: Any) -> dict[str, Any]:
    return {
        "id_customer": 4711,
        "name_first": "Ida",
        "name_last": "Forge",
        "email": "Ida.Forge@Example.com ",
        "phone": "212 555 0149",
        "date_of_birth": "1994-06-06T00:00:00.000",
        "customer_since": "2024-06-06",
        "date_created": "2024-06-06T10:00:00.000Z",
        "loyalty_points": 0,
        "total_spent": None,
        "springbig_user_code": None,
    } | fields


def order(**fields: Any) -> dict[str, Any]:
    return {
        "id_order": 9001,
        "id_customer": 4711,
        "name_first": "Ida",
        "name_last": "Forge",
        "email": "Ida.Forge@Example.com",
        "phone": "212 555 0149",
        "date_created": "2026-01-15T18:30:00.000",
        "date_updated": "2026-01-15T19:00:00Z",
        "status": "completed",
        "complete": True,
        "type": "pickup",
        "total": "45.20",
        "subtotal": 40,
        "tax": 5.2,
        "discount": 0,
        "items": [
            {
                "id_item": 77,
                "id_inventory_item": 2001,
                "item": "Sample Vape 1g",
                "quantity": 2,
                "price": "20.00",
                "category": "Category > Vapes",
            }
        ],
        "total_rows": 1,
    } | fields


def stock(**fields: Any) -> dict[str, Any]:
    return {
        "id_batch": 1001,
        "id_item": 2001,
        "id_location": 1000,
        "item": "Sample Vape 1g",
        "category": "Category > Vapes",
        "brand": "Sample Brand",
        "vendor": "Sample Vendor",
        "strain": None,
        "id_area": 1000,
        "area_type": "Retail",
        "status": "open",
        "on_hand": 12,
        "available": 10,
        "deleted": False,
        "qc_hold": False,
        "date_closed": None,
        "cost_of_good": 11,
        "batch_cost_of_good": None,
        "price_retail": 0,
        "price_retail_adult_use": 35,
        "price_otd": 0,
        "price_otd_adult_use": 39.55,
        "thc": None,
        "cbd": None,
        "compounds": [{"compound": "THC %", "result": "70.00000000"}],
        "date_expire": "2026-07-01",
        "total_rows": 1,
    } | fields


def without(row: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in fields}


def rest_customer(**fields: Any) -> dict[str, Any]:
    return {
        "id_customer": 4711,
        "email": "Ida.Forge@Example.com",
        "first_name": "Ida",
        "last_name": "Forge",
        "phone": "212 555 0149",
        "userId": "u-17",
    } | fields


def rest_order(**fields: Any) -> dict[str, Any]:
    return {
        "id_transaction": 9001,
        "customer": {"email": "Ida.Forge@Example.com", "userId": "u-17"},
        "items": [{"id_product": 2001, "name": "Sample Vape 1g", "quantity": 2, "price": 20}],
        "total": 45.2,
        "created_at": "2026-01-15T18:30:00.000",
        "type": "in_store",
    } | fields


def rest_product(**fields: Any) -> dict[str, Any]:
    return {
        "id_product": 2001,
        "name": "Sample Vape 1g",
        "brand": "Sample Brand",
        "category": "Vapes",
        "subcategory": "Cartridges",
        "price": 35,
        "cost": 11,
        "batchCost": 10.5,
        "thc": 70.5,
        "cbd": 0.2,
        "strainType": "Sativa",
        "available": 10,
        "has_inventory": True,
        "quantity": 12,
    } | fields
