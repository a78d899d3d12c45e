"""What failed is tried again, by a person's decision."""

from dataclasses import dataclass

from shared.clock import Clock
from shared.errors import NotFound
from shared.services.admin.audit import Actor, record_action
from shared.services.dead_letters import ReplayDeadLetters, ReplayQuarantine, ReplayResult
from shared.store import dead_letters
from shared.store.audit import Action
from shared.store.database import Database

LIMIT = 500
"""Records in quarantine that are asked for again at once."""


@dataclass(frozen=True, slots=True)
class Replays:
    """Sends again what failed for good, and notes who wanted it."""

    database: Database
    letters: ReplayDeadLetters
    records: ReplayQuarantine
    clock: Clock

    def quarantine(self, org_id: str, record_id: str | None, actor: Actor) -> ReplayResult:
        """Ask the POS again for an org's records in quarantine, LIMIT of them at the most, or for
        one."""
        self._record("quarantine_replayed", org_id, record_id or "all", actor)
        return self.records(org_id, record_id, LIMIT)

    def dead_letter(self, letter_id: str, actor: Actor) -> ReplayResult:
        """Send a dead letter again. Raises NotFound."""
        letter = dead_letters.read(self.database, letter_id)
        if letter is None:
            raise NotFound("there is no such dead letter")
        self._record("dead_letter_replayed", letter.org_id, letter_id, actor)
        return self.letters(None, letter_id, 1)

    def _record(self, action: Action, org_id: str | None, target: str, actor: Actor) -> None:
        now = self.clock()
        record_action(self.database, actor, action, org_id=org_id, target=target, now=now)
