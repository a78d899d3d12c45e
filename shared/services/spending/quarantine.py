"""Customers whose spending cannot be computed or stored: they are put in quarantine, and stop
nobody else."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from shared.errors import SyncSamError
from shared.pos.port import Rejected
from shared.store import quarantine
from shared.store.database import Database, Write, commits

STREAM = "spending"
LIMIT = 1000
"""Customers in quarantine that are read; more are only released by later messages."""

log = structlog.get_logger(__name__)


class SpendingNotComputed(SyncSamError):
    """The figures of some customers could not be computed."""

    code = "spending_not_computed"

    def __init__(self) -> None:
        super().__init__(
            "The figures of this customer could not be computed: something in the customer's"
            " orders, or in those of customers connected by e-mail or telephone, is not as"
            " expected. The log event spending_failed says what. Correct it, then start a full"
            " sync."
        )


class SpendingNotStored(SyncSamError):
    """Firestore will never accept the figures of some customers."""

    code = "spending_not_stored"

    def __init__(self) -> None:
        super().__init__(
            "Firestore does not accept the figures of this customer, or of those connected by"
            " e-mail or telephone: look for what is unusual about them and what they bought, such"
            " as a very long text. Correct it at the POS, then start a full sync."
        )


@dataclass(frozen=True, slots=True)
class FailedGroup:
    """Customers whose figures depend on each other, and why they have none."""

    customer_ids: tuple[str, ...]
    error: SyncSamError


class SpendingQuarantine:
    """The quarantine of an org's customers for one message. One read where it is empty."""

    def __init__(self, database: Database, org_id: str, run_id: str | None) -> None:
        self._database = database
        self._org_id = org_id
        self._run_id = run_id
        self._inside = quarantine.keys(database, org_id, STREAM, LIMIT)

    def update(
        self, customer_ids: Collection[str], failed: Sequence[FailedGroup], now: datetime
    ) -> None:
        """Record those of the customers who failed, and release all others."""
        writes: list[Write] = []
        for group in failed:
            cause = group.error.__cause__
            log.error(
                "spending_failed",
                customer_id=group.customer_ids[0],
                customers=len(group.customer_ids),
                code=group.error.code,
                **_place(cause),
            )
            raw = json.dumps({"customerIds": group.customer_ids})
            for i in group.customer_ids:
                rejected = Rejected(i, group.error.code, str(group.error), raw)
                first = i not in self._inside
                writes.append(
                    quarantine.put(
                        self._org_id, STREAM, rejected, run_id=self._run_id, now=now, first=first
                    )
                )
        inside = {i for group in failed for i in group.customer_ids}
        over = self._inside.intersection(customer_ids) - inside
        writes += [quarantine.remove(self._org_id, STREAM, i) for i in sorted(over)]
        for part in commits(writes):
            self._database.commit(part)
        self._inside = (self._inside - over) | inside


def _place(error: BaseException | None) -> dict[str, str]:
    """What went wrong and where, without the error's own words: they may be personal data."""
    if error is None:
        return {}
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return {"reason": type(error).__name__}
    name = place.tb_frame.f_code.co_qualname
    return {"reason": type(error).__name__, "at": f"{name}:{place.tb_lineno}"}
