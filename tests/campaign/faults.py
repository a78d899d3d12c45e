"""Drawing how a POS fails."""

from random import Random
from typing import Any

LISTINGS = ("customers", "orders", "inventory")
DAMAGES = ("missing_id", "text_for_number", "null_dates", "not_an_object")

HOSTILE: dict[str, tuple[dict[str, Any], ...]] = {
    "slow_headers": ({"seconds": 1.5},),
    "endless_continue": ({"seconds": 1.5},),
    "row_flood": ({"rows": 50_000}, {"rows": 400_000, "row": "object"}),
    "deep_nesting": ({"levels": 900}, {"levels": 100_000}),
    "decompression_bomb": ({"megabytes": 20},),
}
"""Hostile answers by the simulated POS's own names (deploy/local/simulator/fault.py), with the
parameters they may have."""

Fault = dict[str, Any]


def draw(dice: Random, *, honest: bool) -> tuple[Fault, ...]:
    """Some faults for one tick. An ``honest`` POS fails, but what it lists is true."""
    kinds = _HONEST if honest else (*_HONEST, *_LYING)
    return tuple(dice.choice(kinds)(dice) for _ in range(dice.choice((0, 1, 2, 3, 4))))


def draw_retail(dice: Random, *, honest: bool) -> tuple[Fault, ...]:
    """Some faults of X-Series for one tick. It has no discounts, and nobody signs in there who has
    a personal token."""
    kinds = _HONEST_RETAIL if honest else (*_HONEST_RETAIL, *_LYING_RETAIL)
    drawn = (dice.choice(kinds)(dice) for _ in range(dice.choice((0, 1, 2, 3, 4))))
    return tuple(
        {**fault, "endpoint": "products"}
        if fault.get("endpoint") in ("auth", "discounts")
        else fault
        for fault in drawn
    )


def draw_hostile(dice: Random) -> tuple[Fault, ...]:
    """Some answers for one tick that are meant to bring down who reads them."""
    found = []
    for _ in range(dice.choice((0, 0, 1, 2))):
        kind, count = dice.choice(sorted(HOSTILE)), dice.choice((1, 1, 2))
        found.append({"kind": kind, **dice.choice(HOSTILE[kind]), "count": count, **_where(dice)})
    return tuple(found)


def _where(dice: Random, endpoints: tuple[str, ...] = LISTINGS) -> Fault:
    return {"endpoint": dice.choice(endpoints), "after": dice.choice((0, 0, 1, 3, 6))}


def _strikes(dice: Random) -> int:
    """Mostly few enough for a call to get through in the end."""
    return dice.choice((1, 1, 2, 3, 8))


def _timeout(dice: Random) -> Fault:
    return {"kind": "timeout", "seconds": 0.8, "count": _strikes(dice), **_where(dice)}


def _rate_limited(dice: Random) -> Fault:
    after = dice.choice((0, 1, None))
    count = dice.choice((1, 2, 5))
    return {"kind": "rate_limited", "retryAfter": after, "count": count, **_where(dice)}


def _rate_limited_until(dice: Random) -> Fault:
    return {
        "kind": "rate_limited",
        "retryAfter": 1,
        "form": "date",
        "count": dice.choice((1, 2)),
        **_where(dice),
    }


def _server_error(dice: Random) -> Fault:
    status = dice.choice((500, 502, 503))
    where = _where(dice, (*LISTINGS, "auth", "discounts", "metadata"))
    return {"kind": "server_error", "status": status, "count": _strikes(dice), **where}


def _truncated(dice: Random) -> Fault:
    return {"kind": "truncated_json", "count": _strikes(dice), **_where(dice)}


def _tokens_withdrawn(dice: Random) -> Fault:
    return {"kind": "tokens_withdrawn", "count": dice.choice((1, 2, 4)), **_where(dice)}


def _unauthorized(dice: Random) -> Fault:
    return {"kind": "unauthorized", "count": dice.choice((1, 2, 6)), **_where(dice)}


def _latency(dice: Random) -> Fault:
    return {"kind": "latency", "ms": dice.choice((20, 60, 150))}


def _repeated_page(dice: Random) -> Fault:
    where = _where(dice, ("customers", "orders"))
    return {"kind": "repeated_page", "count": dice.choice((1, 2, 4)), **where}


def _short_page(dice: Random) -> Fault:
    keep = dice.choice((0, 1, 40))
    return {"kind": "short_page", "keep": keep, "count": dice.choice((1, 2, 4)), **_where(dice)}


def _empty_list(dice: Random) -> Fault:
    return {"kind": "empty_list", "count": dice.choice((1, 3)), **_where(dice)}


def _halved_list(dice: Random) -> Fault:
    true_total = dice.random() < 0.5
    count = dice.choice((1, 4))
    return {"kind": "halved_list", "trueTotal": true_total, "count": count, **_where(dice)}


def _malformed(dice: Random) -> Fault:
    return {
        "kind": "malformed",
        "damage": dice.choice(DAMAGES),
        "records": dice.choice((1, 2, 5)),
        "first": dice.choice((0, 3, 30)),
        "count": dice.choice((1, 3)),
        **_where(dice),
    }


_HONEST = (
    _timeout,
    _rate_limited,
    _server_error,
    _truncated,
    _tokens_withdrawn,
    _unauthorized,
    _latency,
)
_LYING = (_repeated_page, _short_page, _empty_list, _halved_list, _malformed, _malformed)
_HONEST_RETAIL = (
    _timeout,
    _rate_limited,
    _rate_limited_until,
    _server_error,
    _truncated,
    _unauthorized,
    _latency,
)
_LYING_RETAIL = (_repeated_page, _short_page, _empty_list, _halved_list)
