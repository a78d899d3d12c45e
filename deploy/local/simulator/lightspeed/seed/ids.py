"""Ids, times and amounts as Lightspeed writes them."""

from datetime import UTC, datetime
from random import Random
from uuid import UUID

TAX_PERCENT = 13


def record_id(rng: Random) -> str:
    """An id that no other record has."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def iso_text(moment: datetime) -> str:
    """An aware time: ``2026-01-15T23:30:00+00:00``."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def dollars(cents: int) -> float | int:
    """An amount as a JSON number: whole dollars without a point."""
    return cents // 100 if cents % 100 == 0 else cents / 100


def tax_of(cents: int) -> int:
    """The tax on a price, half a cent up."""
    return (cents * TAX_PERCENT + 50) // 100
