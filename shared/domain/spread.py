"""Spreading what is due for all orgs over a time, so that no queue fills up at once."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator

SLICES = 150
"""Into so many parts a time is divided, whatever the number of orgs: each costs one task."""


def slice_of(org_id: str) -> int:
    """The org's own slice, from 0 to SLICES - 1: always the same, and even over many orgs."""
    digest = hashlib.blake2b(org_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) * SLICES >> 64


def spread(org_ids: Iterable[str], seconds: float) -> Iterator[tuple[float, list[str]]]:
    """The orgs of each slice, with how many seconds on it begins, the first slice first. The orgs
    of a slice stay in the order given."""
    slices: defaultdict[int, list[str]] = defaultdict(list)
    for org_id in org_ids:
        slices[slice_of(org_id)].append(org_id)
    for number in sorted(slices):
        yield number * seconds / SLICES, slices[number]
