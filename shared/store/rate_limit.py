"""``rate_limits/{account}``: calls of an outside account that were given their moments already.

One document per account, however many instances call it. A caller takes moments for a block of
calls at once, so that the document is written once per block and never by two at a time.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, pairwise

import msgpack

from shared.domain.rate_limit import Limit, Placed, place, still_counted
from shared.errors import RetryLater
from shared.store import paths
from shared.store.database import Conflict, Create, Database, Update, Write

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
    """Moments from ``now`` to ``until`` (milliseconds) for up to ``wanted`` calls: the caller's
    alone. One read, and one write where there are any; with it ``unused`` moments, which the
    caller had been given before, are given back.

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
        write: Write = Create(path, fields)
        if found.exists:
            write = Update(path, fields, if_version=found.version)
        try:
            database.commit([write])
        except Conflict:
            continue
        return placed
    raise RetryLater(f"others keep taking the calls of {account}")


def _packed(moments: Sequence[int]) -> bytes:
    """The first moment, then how much later each of the others is: small numbers."""
    steps = (later - earlier for earlier, later in pairwise(moments))
    packed: bytes = msgpack.packb([*moments[:1], *steps])
    return packed


def _unpacked(packed: bytes | None) -> list[int]:
    return list(accumulate(msgpack.unpackb(packed))) if packed else []
