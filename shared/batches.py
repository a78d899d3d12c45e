"""Things in parts of a limited size."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def batched(
    items: Iterable[T], size: int, weight: Callable[[T], int] = lambda _: 1
) -> Iterator[list[T]]:
    """The items in lists of at most ``size`` each, or of that total ``weight``; an item that is
    heavier than that has a list of its own."""
    batch: list[T] = []
    total = 0
    for item in items:
        heavy = weight(item)
        if batch and total + heavy > size:
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += heavy
    if batch:
        yield batch
