"""``rate_limits/{account}``: the times reserved for calls of an outside account, by however many
instances. A caller reserves a block of calls at once, so that it is written once per block."""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, pairwise

import msgpack

from shared.domain.rate_limit import Limit, Placed, place, still_counted
from shared.errors import RetryLater
from shared.store import paths
from shared.store.database import Conflict, Database, put_if_version

ATTEMPTS = 20


def reserve(
    database: Database,
    account: str,
    limits: Sequence[Limit],
    *,
    wanted: int,
    now: int,
    until: int,
    unused: Sequence[int] = (),
) -> Placed:
    """Reserve times from ``now`` to ``until`` (milliseconds) for up to ``wanted`` calls, and free
    ``unused`` ones reserved before. One read, and one write where there are any.

    Raises RetryLater where others keep coming first.
    """
    path = paths.rate_limit(account)
    for _ in range(ATTEMPTS):
        found = database.get(path)
        stored = Counter(_unpacked(found.fields.get("taken"))) - Counter(unused)
        taken = still_counted(sorted(stored.elements()), limits, now)
        placed = place(taken, limits, wanted=wanted, now=now, until=until)
        if not placed.moments:
            return placed
        fields = {"taken": _packed([*taken, *placed.moments])}
        try:
            database.commit([put_if_version(path, fields, found.version)])
        except Conflict:
            continue
        return placed
    raise RetryLater(f"others keep taking the calls of {account}")


def _packed(moments: Sequence[int]) -> bytes:
    """The first time, then the difference to each next one: small numbers."""
    steps = (later - earlier for earlier, later in pairwise(moments))
    packed: bytes = msgpack.packb([*moments[:1], *steps])
    return packed


def _unpacked(packed: bytes | None) -> list[int]:
    return list(accumulate(msgpack.unpackb(packed))) if packed else []
