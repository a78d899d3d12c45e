"""What is stored of sync runs.

sync_runs/{runId}     one run, with what a later invocation needs to continue it
sync_state/manual     the runs of an org that people asked for in the last hour
sync_reports/{runId}  what a sync would have done: one dry run
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from shared.domain.providers import ALLEAVES
from shared.domain.runs import RunState, StreamCounts
from shared.models import CamelModel
from shared.store import listing, paths
from shared.store.database import Database, Fields, Put, Write, put_if_version
from shared.store.listing import QueryRange

KEPT = timedelta(days=90)
"""How long Firestore keeps a run's document (its TTL field is ``expireAt``)."""
REPORT_KEPT = timedelta(days=30)
"""The same for a report: it shows customers' data."""
REPORTED_FIELDS = (
    *("state", "trigger", "requestedBy", "startedAt", "endedAt"),
    *("durationSeconds", "error", "errors", "warnings", "held", "deletionsHeld"),
)
"""Fields of a run's document that its report has too."""
RECORDS_NAMED = 100
"""Ids of records that a hold names."""
REPORTED_COUNTS = (
    *("fetched", "unchanged", "skipped", "skippedReasons"),
    *("quarantined", "requests", "seconds"),
)
"""Counts of a stream that a report takes from the run: the others follow from its changes."""


def _is_empty(kept: object) -> bool:
    return not kept


class Cost(CamelModel):
    """Firestore documents a run read, wrote and deleted."""

    reads: int = 0
    writes: int = 0
    deletes: int = 0


class RunError(CamelModel):
    """Why a run, or one of its streams, did not do all of its work."""

    code: str
    owner: str
    message: str
    stream: str | None = None
    provider: str | None = Field(default=None, exclude_if=lambda provider: provider is None)
    """None: it concerns all of the org's providers."""

    def concerns(self, provider: str | None) -> bool:
        """Whether a provider's streams are concerned."""
        return self.provider in (None, provider)


class Hold(CamelModel):
    """The removal of ``count`` records of a stream, which waits for a person, and why. ``id`` is
    the removal's own (domain.removal), ``record_ids`` are the first RECORDS_NAMED of the records,
    both empty in what earlier versions have stored. ``proven``: allowing it removes them; else the
    POS's answer is no proof that they are gone."""

    reason: str
    count: int
    id: str = Field(default="", exclude_if=_is_empty)
    record_ids: list[str] = Field(default_factory=list, exclude_if=_is_empty)
    proven: bool = Field(default=True, exclude_if=bool)


class Position(CamelModel):
    """How far the listings of several accounts have come, one after the other."""

    account: int = 0
    page: int = 1


class StoredRun(CamelModel):
    """What runs of every kind have. Changed in place while the run is under way."""

    state: RunState
    started_at: datetime
    ended_at: datetime | None = None
    error: RunError | None = None
    invocations: int = 0
    tries: int = Field(default=0, exclude_if=lambda tries: not tries)
    """Invocations in a row, the present one included, of which none has ended the run or handed it
    over: all before the present one failed."""
    cost: Cost = Cost()

    @property
    def duration_seconds(self) -> float | None:
        """From its start to its end, over all its invocations; None while it has not ended."""
        if self.ended_at is None:
            return None
        return round((self.ended_at - self.started_at).total_seconds(), 3)

    def begun(self, now: datetime) -> Self:
        """The run with one more invocation at work on it."""
        started_at = now if self.state is RunState.QUEUED else self.started_at
        changed = {"state": RunState.RUNNING, "started_at": started_at}
        counted = {"invocations": self.invocations + 1, "tries": self.tries + 1}
        return self.model_copy(update=changed | counted)

    def document(self, org_id: str, run_id: str) -> dict[str, Any]:
        """The fields of its document."""
        ids = {"orgId": org_id, "runId": run_id, "expireAt": self.started_at + KEPT}
        fields = self.model_dump(by_alias=True, exclude_none=True)
        if self.duration_seconds is not None:
            fields["durationSeconds"] = self.duration_seconds
        return {**fields, "state": self.state.value, **ids}


class ProviderWork(CamelModel):
    """What a run has done at one provider."""

    streams: dict[str, StreamCounts] = Field(default_factory=dict)
    done: list[str] = Field(default_factory=list)
    """Streams that are complete: a later invocation of the run leaves them alone."""
    reset: bool = False
    """A ``full`` run has already forgotten what the manifests say."""
    customers_at: Position = Position()
    """Where the customers' listing is to continue."""
    holds: dict[str, Hold] = Field(default_factory=dict)
    """Removals that wait for a person, by stream."""

    def tally(self, stream: str) -> StreamCounts:
        """The stream's counts, to be changed in place."""
        return self.streams.setdefault(stream, StreamCounts())


class Run(StoredRun, ProviderWork):
    """A sync run. What it has of ProviderWork is about ``provider``, at which it is at work: it
    goes through the org's providers one after the other."""

    trigger: str
    requested_by: str | None = None
    provider: str | None = Field(default=None, exclude_if=lambda provider: provider is None)
    """None as long as it is at none."""
    earlier: dict[str, ProviderWork] = Field(
        default_factory=dict, alias="providers", exclude_if=lambda earlier: not earlier
    )
    """The providers that it is done with. In its document all providers stand there, and the
    ``streams`` are summed up over them."""
    errors: list[RunError] = Field(default_factory=list)
    """Of streams, and of records in quarantine."""
    warnings: list[str] = Field(default_factory=list)
    """Sentences about settings that a person should put right; the run is none the worse."""

    @model_validator(mode="before")
    @classmethod
    def _read_work_at_hand(cls, stored: Any) -> Any:
        """The opposite of what ``document`` does where there are several providers."""
        if not isinstance(stored, dict) or not stored.get("providers"):
            return stored
        earlier = dict(stored["providers"])
        at_hand = earlier.pop(stored.get("provider"), {})
        blank = ProviderWork().model_dump(by_alias=True)
        return {**stored, **blank, **at_hand, "providers": earlier}

    @property
    def work(self) -> dict[str, ProviderWork]:
        """What the run has done, by provider; Alleaves' as long as it is at none."""
        own = {name: getattr(self, name) for name in ProviderWork.model_fields}
        at_hand = ProviderWork.model_construct(**own)
        return {**self.earlier, self.provider or ALLEAVES: at_hand}

    @property
    def totals(self) -> dict[str, StreamCounts]:
        """What happened to each stream's records, at all providers together."""
        if not self.earlier:
            return self.streams
        found: dict[str, StreamCounts] = {}
        for work in self.work.values():
            for name, tally in work.streams.items():
                found[name] = found.get(name, StreamCounts()).plus(tally)
        return found

    @property
    def removals_held(self) -> list[Hold]:
        """Removals that wait for a person, at all providers together."""
        return [hold for work in self.work.values() for hold in work.holds.values()]

    @property
    def held(self) -> str | None:
        """Why they wait, in sentences; None where there are none."""
        return "; ".join(hold.reason for hold in self.removals_held) or None

    def work_at(self, provider: str) -> None:
        """Go on with this provider; the one before is done with."""
        if self.provider in (None, provider):
            self.provider = provider
            return
        work = self.work
        at_hand = work.pop(provider, ProviderWork())
        self.provider, self.earlier = provider, work
        for name in ProviderWork.model_fields:
            setattr(self, name, getattr(at_hand, name))

    def warn(self, sentences: Iterable[str]) -> None:
        """Add those of the sentences that are not there."""
        self.warnings += [each for each in sentences if each not in self.warnings]

    def document(self, org_id: str, run_id: str) -> dict[str, Any]:
        document = super().document(org_id, run_id)
        if not self.warnings:
            del document["warnings"]
        if self.earlier:
            document |= {
                "streams": {n: t.model_dump(by_alias=True) for n, t in self.totals.items()},
                "providers": {n: w.model_dump(by_alias=True) for n, w in self.work.items()},
            }
        document["deletionsHeld"] = sum(hold.count for hold in self.removals_held)
        if self.held is not None:
            document["held"] = self.held
        for tally in document["streams"].values():
            tally["seconds"] = round(tally["seconds"], 3)
        return document

    def spent(self) -> dict[str, Any]:
        """What a log line says of the run's end: seconds in all and by stream, documents."""
        seconds = {name: round(tally.seconds, 3) for name, tally in self.totals.items()}
        took = {"duration_seconds": self.duration_seconds, "stream_seconds": seconds}
        return {**took, **self.cost.model_dump()}

    def failed(self, stream: str) -> bool:
        """Whether the stream has failed at the provider at hand."""
        return any(e.stream == stream and e.concerns(self.provider) for e in self.errors)


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A run that has not ended, as it was at ``version``."""

    org_id: str
    run_id: str
    run: Run
    version: datetime | None


def read(database: Database, org_id: str, run_id: str) -> Run | None:
    """The run, or None where there is none of that id."""
    found = database.get(paths.sync_run(org_id, run_id))
    return Run.model_validate(found.fields) if found.exists else None


def history(
    database: Database, org_id: str, *, cursor: str | None, limit: int
) -> tuple[list[tuple[str, Run]], str | None]:
    """Some of the org's runs by id, the latest first, and the cursor of the next ones; None where
    there are no more. Raises RequestInvalid for a cursor of another listing."""
    latest = QueryRange(field="startedAt", descending=True)
    found = listing.page(database, paths.sync_runs(org_id), [latest], limit=limit, cursor=cursor)
    return [(each.id, Run.model_validate(each.fields)) for each in found.documents], found.cursor


def read_report(database: Database, org_id: str, run_id: str) -> Fields | None:
    """The report of a dry run as stored; None where there is none."""
    found = database.get(paths.sync_report(org_id, run_id))
    return found.fields if found.exists else None


def put(org_id: str, run_id: str, run: Run) -> Put:
    """The write for a run."""
    return Put(paths.sync_run(org_id, run_id), run.document(org_id, run_id))


def find_unfinished(database: Database, org_id: str, run_id: str) -> UnfinishedRun | None:
    """The run of that id; None where there is none or it has ended."""
    found = database.get(paths.sync_run(org_id, run_id))
    if found.exists and not (run := Run.model_validate(found.fields)).state.ended:
        return UnfinishedRun(org_id, run_id, run, found.version)
    return None


def why_failed(database: Database, org_id: str, run_id: str) -> RunError | None:
    """Why the last delivery of a run's message failed; None where that is not known."""
    try:
        run = Run.model_validate(database.get(paths.sync_run(org_id, run_id)).fields)
    except ValidationError:
        return None
    return run.error if run.state is RunState.FAILED or not run.state.ended else None


def unfinished(database: Database, before: datetime, limit: int) -> list[UnfinishedRun]:
    """Runs of all orgs that were begun, or asked for, before a moment and have not ended; the
    oldest ``limit`` of them."""
    found = database.query(
        paths.SYNC_RUNS,
        ("state", "in", [RunState.QUEUED.value, RunState.RUNNING.value]),
        ("startedAt", "<", before),
        order_by=[("startedAt", "ASCENDING")],
        limit=limit,
        everywhere=True,
    )
    return [
        UnfinishedRun(paths.org_of(d.path), d.id, Run.model_validate(d.fields), d.version)
        for d in found
    ]


def begun_before(database: Database, org_id: str, moment: datetime) -> tuple[str, Run] | None:
    """The last of the org's runs that began at a moment or before, and its id; None before the
    first that is still kept. One read."""
    found = database.query(
        paths.sync_runs(org_id),
        ("startedAt", "<=", moment),
        order_by=[("startedAt", "DESCENDING")],
        limit=1,
    )
    return next(((each.id, Run.model_validate(each.fields)) for each in found), None)


@dataclass(frozen=True, slots=True)
class ManualRequests:
    """The last run that people asked for, and the times of recent requests."""

    run_id: str | None
    asked_at: tuple[datetime, ...]
    version: datetime | None


def read_manual(database: Database, org_id: str) -> ManualRequests:
    """The org's requests; none where no run was ever asked for."""
    found = database.get(paths.manual_runs(org_id))
    asked_at = tuple(found.fields.get("askedAt", ()))
    return ManualRequests(found.fields.get("runId"), asked_at, found.version)


def add_manual(
    org_id: str, before: ManualRequests, *, run_id: str | None, asked_at: Sequence[datetime]
) -> Write:
    """The write for one more run, ``run_id`` being the last to be waited for; a conflict if another
    request came since ``before`` was read: of many requests at once one is granted."""
    fields = {"runId": run_id, "askedAt": list(asked_at)}
    return put_if_version(paths.manual_runs(org_id), fields, before.version)


def report_exists(database: Database, org_id: str, run_id: str) -> bool:
    """Whether the run has a report."""
    return database.get(paths.sync_report(org_id, run_id)).exists


def put_report(
    org_id: str,
    run_id: str,
    run: Run,
    changes: Mapping[str, Fields],
    *,
    complete: bool,
    spending_of: int | None,
) -> Put:
    """The write for a report. ``changes`` has, by stream, how many records would be created,
    updated, rewritten and removed, and the first of them field by field; ``spending_of`` is how
    many customers' recompute would be requested, None for all."""
    document = run.document(org_id, run_id)
    streams = {
        name: {seen: tally[seen] for seen in REPORTED_COUNTS if seen in tally} | dict(changes[name])
        for name, tally in document["streams"].items()
    }
    fields = {
        "orgId": org_id,
        "runId": run_id,
        "dryRun": True,
        "complete": complete,
        "spendingOf": "all" if spending_of is None else spending_of,
        "streams": streams,
        "expireAt": run.started_at + REPORT_KEPT,
    }
    fields |= {name: document[name] for name in REPORTED_FIELDS if name in document}
    return Put(paths.sync_report(org_id, run_id), fields)
