"""How values are written on pages: en-US, money in dollars, times in the org's zone.

None is written as a dash: what is not known is never shown as zero.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from shared.domain.providers import label
from shared.domain.wording import counted

UNKNOWN = "—"
_CENTS = Decimal("0.01")
_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))


def dollars(value: float | Decimal | None) -> str:
    """Dollars and cents: "$1,234.50", "-$5.00"."""
    if value is None:
        return UNKNOWN
    amount = Decimal(str(value)).quantize(_CENTS, ROUND_HALF_UP)
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def count(value: float | None) -> str:
    """A number with thousands: "12,345"; up to three decimals where it has some."""
    if value is None:
        return UNKNOWN
    return f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"


def number_of(value: int | None, plural: str) -> str:
    """So many of something: "1 order", "12 orders"."""
    return UNKNOWN if value is None else counted(value, plural)


def percent(share: float | None, digits: int = 1) -> str:
    """A share of one: 0.1234 is "12.3%"."""
    return UNKNOWN if share is None else f"{share * 100:,.{digits}f}%"


def duration(seconds: float | None) -> str:
    """So many seconds: "0.4 s", "12 s", "2 min 5 s", "3 h 20 min", "4 days 2 h"."""
    if seconds is None:
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    days, hours, minutes = whole // 86_400, whole % 86_400 // 3_600, whole % 3_600 // 60
    if days:
        return counted(days, "days") + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def moment_text(value: datetime, zone: ZoneInfo) -> str:
    """A moment in a zone: "Nov 22, 2026, 3:41 PM EST"."""
    local = value.astimezone(zone)
    return f"{local:%b} {local.day}, {local.year}, {local.hour % 12 or 12}:{local:%M %p %Z}"


def day_text(value: date) -> str:
    """A day: "Nov 22, 2026"."""
    return f"{value:%b} {value.day}, {value.year}"


def ago_text(value: datetime, now: datetime) -> str:
    """How long ago, or in how long: "3 minutes ago", "in 2 hours", "just now"."""
    seconds = (now - value).total_seconds()
    for unit, length in _UNITS:
        number = int(abs(seconds) // length)
        if number:
            words = counted(number, unit)
            return f"{words} ago" if seconds > 0 else f"in {words}"
    return "just now"


@pass_context
def moment(context: Context, value: datetime | None) -> Markup | str:
    """A ``<time>`` with the moment in the page's zone."""
    if value is None:
        return UNKNOWN
    text = moment_text(value, context["zone"])
    return Markup('<time datetime="{}">{}</time>').format(_iso(value), text)


@pass_context
def ago(context: Context, value: datetime | None) -> Markup | str:
    """A ``<time>`` with how long ago; the page's module keeps it true, and the moment is its
    title."""
    if value is None:
        return UNKNOWN
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        _iso(value), moment_text(value, context["zone"]), ago_text(value, context["now"])
    )


@pass_context
def day(context: Context, value: date | None) -> Markup | str:
    """A ``<time>`` with the day; that of a moment in the page's zone."""
    if value is None:
        return UNKNOWN
    if isinstance(value, datetime):
        value = value.astimezone(context["zone"]).date()
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), day_text(value))


@pass_context
def stamp(context: Context, value: datetime) -> str:
    """A moment of this year in a label of a chart, in the page's zone: "Nov 22, 3:41 PM"."""
    local = value.astimezone(context["zone"])
    return f"{local:%b} {local.day}, {local.hour % 12 or 12}:{local:%M %p}"


def plain(value: Any) -> str:
    """A stored value of any kind: text as it is, what is structured as JSON."""
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)


def combined(given: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Both together, without those of the others that are None."""
    return {**given, **{name: value for name, value in others.items() if value is not None}}


def words(value: str | None) -> str:
    """An identifier as words: "in_store" is "In store", "org_main_street" "Org main street"."""
    if not value:
        return UNKNOWN
    spaced = str(value).replace("_", " ").replace("-", " ")
    return spaced[:1].upper() + spaced[1:]


def sentence(text: str | None) -> str:
    """A message with a capital letter, unless it begins with the name of a field."""
    first = (text or "").partition(" ")[0]
    return (text or "") if {*first} & {*"_.:"} else f"{first[:1].upper()}{(text or '')[1:]}"


def known(value: Any) -> Any:
    """The value, or a dash."""
    return UNKNOWN if value is None or value == "" else value


def as_options(values: Iterable[str]) -> list[tuple[str, str]]:
    """The values of an enumeration for ``ui.select``."""
    return [(str(value), words(value)) for value in values]


def as_column(label: str) -> dict[str, Any]:
    """A column of figures for ``ui.table``."""
    return {"label": label, "num": True}


def _iso(value: datetime) -> str:
    return (value.replace(microsecond=0) if value.microsecond else value).isoformat()


FILTERS: Mapping[str, Callable[..., Any]] = {
    "dollars": dollars,
    "count": count,
    "counted": number_of,
    "percent": percent,
    "duration": duration,
    "moment": moment,
    "ago": ago,
    "day": day,
    "words": words,
    "sentence": sentence,
    "known": known,
    "as_options": as_options,
    "as_column": as_column,
    "stamp": stamp,
    "plain": plain,
    "combined": combined,
    "provider_name": label,
}
"""By the names that templates use."""
