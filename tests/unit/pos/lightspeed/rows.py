"""Rows as Lightspeed sends them; all people are invented."""

from typing import Any


def sale(**changes: Any) -> dict[str, Any]:
    """A sale over the counter, closed."""
    return {
        "id": "5a1e0000-0000-4000-8000-000000000001",
        "outlet_id": "0u71e700-0000-4000-8000-000000000001",
        "register_id": "7e615700-0000-4000-8000-000000000001",
        "customer_id": "c0570000-0000-4000-8000-000000000001",
        "invoice_number": "10432",
        "source": "USER",
        "source_id": None,
        "note": "",
        "status": "CLOSED",
        "state": "closed",
        "attributes": [],
        "total_price": 40.0,
        "total_tax": 5.2,
        "total_price_incl": 45.2,
        "created_at": "2026-01-15T23:30:00+00:00",
        "updated_at": "2026-01-16T00:10:00+00:00",
        "sale_date": "2026-01-15T23:30:00+00:00",
        "deleted_at": None,
        "version": 29161706323,
        "return_for": None,
        "line_items": [line()],
        **changes,
    }


def line(**changes: Any) -> dict[str, Any]:
    """A line of a sale."""
    return {
        "product_id": "b0d00000-0000-4000-8000-000000000001",
        "quantity": 2,
        "unit_price": 20.0,
        "unit_tax": 2.6,
        "total_discount": 1.5,
        "status": "CONFIRMED",
        "note": "leave it with Ida Forge's neighbour",
        **changes,
    }


def customer(**changes: Any) -> dict[str, Any]:
    """A customer with everything that is read."""
    return {
        "id": "c0570000-0000-4000-8000-000000000001",
        "customer_code": "Ida-7QX",
        "first_name": "Ida",
        "last_name": "Forge",
        "email": "Ida.Forge@example.com",
        "mobile": "518 555 0149",
        "phone": "518 555 0100",
        "date_of_birth": "1990-04-01",
        "loyalty_balance": 12.5,
        "note": "prefers to be called after six",
        "created_at": "2024-05-01T12:00:00+00:00",
        "updated_at": "2026-01-01T12:00:00+00:00",
        "deleted_at": None,
        "version": 29161700001,
        **changes,
    }


def product(**changes: Any) -> dict[str, Any]:
    """A product that is sold."""
    return {
        "id": "b0d00000-0000-4000-8000-000000000001",
        "name": "Sample Vape 1g",
        "is_active": True,
        "brand": {"id": "b1", "name": "Sample Brand"},
        "supplier": {"id": "s1", "name": "Sample Vendor"},
        "product_category": {"id": "k1", "name": "Vapes"},
        "price_including_tax": 45.2,
        "supply_price": 11,
        "image_url": "https://example.com/vape.png",
        "deleted_at": None,
        **changes,
    }


def stock(**changes: Any) -> dict[str, Any]:
    """How many of it an outlet has."""
    return {
        "id": "570c0000-0000-4000-8000-000000000001",
        "product_id": "b0d00000-0000-4000-8000-000000000001",
        "outlet_id": "0u71e700-0000-4000-8000-000000000001",
        "inventory_level": 12,
        "deleted_at": None,
        **changes,
    }


def outlet(**changes: Any) -> dict[str, Any]:
    """A shop."""
    return {
        "id": "0u71e700-0000-4000-8000-000000000001",
        "name": "Harbor Street",
        "time_zone": "America/New_York",
        "physical_city": "Troy",
        "deleted_at": None,
        **changes,
    }


def register(**changes: Any) -> dict[str, Any]:
    """A till."""
    return {
        "id": "7e615700-0000-4000-8000-000000000001",
        "name": "Main Register",
        "outlet_id": "0u71e700-0000-4000-8000-000000000001",
        "deleted_at": None,
        **changes,
    }
