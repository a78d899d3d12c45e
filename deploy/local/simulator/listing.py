"""Cutting the asked-for part out of a listing, with the faults that befall listings."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.local.simulator.damage import damaged
from deploy.local.simulator.fault import (
    EmptyList,
    Fault,
    HalvedList,
    Malformed,
    RepeatedPage,
    ShortPage,
)

DEFAULT_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Window:
    """``take`` records from position ``skip`` on; ``take`` None is all."""

    skip: int = 0
    take: int | None = None

    @classmethod
    def of_page(cls, page: int, page_size: int) -> "Window":
        """Page numbers begin with 1."""
        return cls((max(page, 1) - 1) * page_size, page_size)


@dataclass(frozen=True, slots=True)
class Slice:
    """Part of a listing as JSON texts; ``total`` is what the POS says the whole listing has."""

    rows: Sequence[bytes]
    total: int


def cut(listing: Sequence[bytes], window: Window, faults: Sequence[Fault]) -> Slice:
    """The window of the listing, faults applied in the order in which they were asked for."""
    total = len(listing)
    keep: int | None = None
    damages: list[Malformed] = []
    for fault in faults:
        match fault:
            case EmptyList():
                listing, total = [], 0
            case HalvedList():
                listing = listing[: len(listing) // 2]
                total = total if fault.true_total else len(listing)
            case RepeatedPage() if window.take is not None and window.skip >= window.take:
                window = Window(window.skip - window.take, window.take)
            case ShortPage():
                keep = fault.keep
            case Malformed():
                damages.append(fault)
            case _:
                pass
    end = len(listing) if window.take is None else window.skip + window.take
    rows = list(listing[window.skip : end])
    for malformed in damages:
        _damage(rows, window.skip, malformed)
    return Slice(rows[:keep], total)


def _damage(rows: list[bytes], skipped: int, fault: Malformed) -> None:
    low = max(fault.first - skipped, 0)
    for index in range(low, min(fault.first + fault.records - skipped, len(rows))):
        rows[index] = damaged(json.loads(rows[index]), fault.damage)
