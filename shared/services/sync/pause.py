"""An org whose credentials the POS refuses run after run: left alone, tried once a day."""

from collections.abc import Sequence
from datetime import datetime

from shared.bus.messages import PosSync
from shared.domain.pause import REJECTIONS_TO_PAUSE, is_paused, rejections_after
from shared.errors import CredentialsRejected, OrgError
from shared.services.sync import ending
from shared.services.sync.session import Session
from shared.store import status
from shared.store.database import Database

BY_ITSELF = ("cron", "webhook")
"""Triggers that leave a paused org alone. A person who asks for a sync gets one at once."""


class SyncPaused(OrgError):
    """The sync rests until the credentials are corrected."""

    code = "sync_paused"


def rests(database: Database, message: PosSync, now: datetime) -> bool:
    """Whether the message's run is not to be: the org is paused and not due for a probe."""
    if message.trigger not in BY_ITSELF:
        return False
    until = status.paused_until(database, message.org_id)
    return until is not None and now < until


def judge(session: Session, wanted: Sequence[str]) -> None:
    """Count the run among those that the POS refused, or end their row; where the org is paused
    for it, put first among the run's errors what is to be done."""
    run, progress = session.run, session.progress
    progress.credential_failures = rejections_after(
        progress.credential_failures,
        rejected=any(error.code == CredentialsRejected.code for error in run.errors),
        accepted=any(s in run.done and not run.failed(s) for s in wanted),
    )
    if is_paused(progress.credential_failures):
        cause = run.errors[0].message if run.errors else ""
        advice = (
            f"{cause} Syncing is paused after {REJECTIONS_TO_PAUSE} refusals in a row: correct the"
            " user name, password or PIN in the POS settings, then start a sync. Until then"
            " Sync Sam tries once a day"
        )
        run.errors.insert(0, ending.note(SyncPaused(advice)))
