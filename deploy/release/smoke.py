"""Is what was deployed at work? One org's sync from the tick to its end, then a dry run of it.

The tick goes through the fan-out, the sync and Firestore; the dry run then finds what that sync
has stored. Only after both do the schedules begin, for all orgs.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from deploy.manifest import Manifest
from deploy.release import commands
from deploy.release.commands import Target
from deploy.release.deployment import Say
from deploy.release.shell import ReleaseFailed, Shell
from shared.bus.messages import CronTick, Message, PosSync
from shared.domain.runs import RunState
from shared.services.fan_out import run_id
from shared.services.sync.run_end import UnreadableRecords
from shared.store import paths, runs
from shared.store.database import Database
from shared.store.runs import RunError

RUN_SECONDS, LOOK_SECONDS = 900.0, 3.0
TICKS, SYNCS = "cron-tick", "pos-sync"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Smoke:
    """Tries a target out with one org."""

    shell: Shell
    target: Target
    manifest: Manifest
    database: Database
    say: Say
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, org_id: str) -> None:
        """Sync the org, preview it, resume the schedules. Raises ReleaseFailed where the sync does
        not succeed: the schedules then stay as they are."""
        self._sync(org_id)
        self._preview(org_id)
        for job in self.shell.ask(commands.paused_schedules(self.target)).split():
            name = job.rpartition("/")[2]
            if name in self.manifest.schedules:
                self.shell.run(commands.resume(self.target, name))
                self.say(f"Schedule {name} runs.")

    def _sync(self, org_id: str) -> None:
        tick_id = self._publish(TICKS, CronTick(job="pos-sync", org_id=org_id))
        run = run_id(tick_id, org_id)
        self.say(f"Tick published; the run is {paths.sync_run(org_id, run)}")

        def ended() -> runs.Run | None:
            found = runs.read(self.database, org_id, run)
            return found if found and found.state.ended else None

        found = self._wait("The run has not ended", ended)
        counts = {name: tally.fetched for name, tally in found.totals.items()}
        self.say(f"Run {found.state} after {found.duration_seconds} s: {counts}")
        _judge(
            "The run", found.state, [found.error, *found.errors] if found.error else found.errors
        )

    def _preview(self, org_id: str) -> None:
        run = f"smoke-{secrets.token_hex(8)}"
        self._publish(SYNCS, PosSync(org_id=org_id, run_id=run, trigger="manual", dry_run=True))

        def report() -> Mapping[str, Any] | None:
            found = self.database.get(paths.sync_report(org_id, run))
            return found.fields if found.exists else None

        found = self._wait("The dry run has no report", report)
        changes = {
            name: sum(stream.get(kind, 0) for kind in ("created", "updated", "removed"))
            for name, stream in found["streams"].items()
        }
        self.say(f"Dry run {found['state']}: what a sync would change now: {changes}")
        errors = [RunError.model_validate(each) for each in found.get("errors", ())]
        _judge("The dry run", RunState(found["state"]), errors)

    def _publish(self, topic: str, message: Message) -> str:
        return self.shell.ask(commands.publish(self.target, topic, json.dumps(message.to_json())))

    def _wait(self, otherwise: str, look: Callable[[], T | None]) -> T:
        deadline = self.monotonic() + RUN_SECONDS
        while (found := look()) is None:
            if self.monotonic() > deadline:
                raise ReleaseFailed(
                    f"{otherwise} after {RUN_SECONDS:g} s: see the logs of cron_fanout and"
                    " org_sync, and dead_letters in Firestore."
                )
            self.sleep(LOOK_SECONDS)
        return found


def _judge(what: str, state: RunState, errors: Sequence[RunError]) -> None:
    """Raises ReleaseFailed unless the run succeeded, but for records that the POS has wrong."""
    in_quarantine = state is RunState.PARTIAL and {e.code for e in errors} == {
        UnreadableRecords.code
    }
    if state is not RunState.SUCCEEDED and not in_quarantine:
        told = dict.fromkeys(f"{e.code} (turn of {e.owner}): {e.message}" for e in errors)
        raise ReleaseFailed("\n".join([f"{what} is {state}.", *told]))
