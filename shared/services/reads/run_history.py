"""An org's runs, and what its dry runs found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from shared.errors import NotFound
from shared.store import runs
from shared.store.database import Database
from shared.store.runs import Run


class RunPage(NamedTuple):
    """Some runs, each with its id, and the cursor of the next page; None where this is the last."""

    runs: Sequence[tuple[str, Run]]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class RunHistory:
    """Reads the runs of the last 90 days, and the reports of the last 30."""

    database: Database

    def page(self, org_id: str, *, cursor: str | None = None, limit: int = 50) -> RunPage:
        """Some of the org's runs, the latest first. Raises RequestInvalid for a cursor of another
        listing."""
        return RunPage(*runs.history(self.database, org_id, cursor=cursor, limit=limit))

    def run(self, org_id: str, run_id: str) -> Run:
        """One run. Raises NotFound."""
        found = runs.read(self.database, org_id, run_id)
        if found is None:
            raise NotFound("there is no such run")
        return found

    def report(self, org_id: str, run_id: str) -> Mapping[str, Any]:
        """What a dry run found, as stored (store/runs.py). Raises NotFound."""
        found = runs.read_report(self.database, org_id, run_id)
        if found is None:
            raise NotFound("there is no report of that run")
        return found
