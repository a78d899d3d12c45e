"""The status of an org that people look at: what its sync with each provider came to, together."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from shared.domain.order_matching import most_are_skipped, why_skipped
from shared.domain.org_health import OrgState
from shared.domain.providers import label, suffixed
from shared.domain.runs import StreamCounts, is_paused, next_probe
from shared.domain.wording import counted
from shared.errors import Owner, SyncSamError
from shared.services.runs.failure import error_fields, run_error
from shared.services.sync.session import Session
from shared.store import status
from shared.store.customers import name_key
from shared.store.runs import Hold, ProviderWork, Run, RunError
from shared.store.status import SyncProgress

UNMATCHED = "orders_unmatched"
"""The incident of an org most of whose orders match no customer."""
ERROR = "error"

Standing = Mapping[str, SyncProgress]
"""How the sync with each of the org's providers stands."""


class OrdersWithoutCustomers(SyncSamError):
    """So many orders match no customer that their customers' spending is wrong."""

    code = "orders_without_customers"
    owner = Owner.ORG


class RemovalHeld(SyncSamError):
    """A removal waits for a person's decision."""

    code = "removal_held"
    owner = Owner.ORG


def orders_of(work: ProviderWork) -> StreamCounts:
    """What happened to the orders."""
    return work.streams.get("orders", StreamCounts())


def why_unmatched(work: ProviderWork) -> str | None:
    """Why most of the orders were skipped; None where they were not."""
    tally = orders_of(work)
    if not most_are_skipped(tally.fetched, tally.skipped_reasons):
        return None
    return (
        f"{why_skipped(tally.fetched, tally.skipped_reasons)}. They are not stored, and count for"
        " nobody's spending: see the skipped orders, and whether the POS account may list every"
        " customer"
    )


def status_fields(session: Session, standing: Standing, name: str, now: datetime) -> dict[str, Any]:
    """The fields of the status after the session's run, of an org of that ``name``. One read where
    the org is failing."""
    run, each_progress = session.run, standing.values()
    states = [_status(name, progress) for name, progress in standing.items()]
    fields: dict[str, Any] = {
        "status": _of_org(states),
        "provider": next(iter(standing)),
        "lastSyncAt": now,
        "lastRunId": session.run_id,
        **_counts(each_progress),
        "ordersSkipped": sum(each.counts.orders_skipped for each in each_progress),
        "quarantined": sum(each.counts.quarantined for each in each_progress),
        "deletionsHeld": sum(h.count for each in each_progress for h in each.holds.values()),
        "durationSeconds": run.duration_seconds,
        "orgId": session.org_id,
        "nameKey": name_key(name or session.org_id),
        "streams": _streams(each_progress),
    }
    if name:
        fields["name"] = name
    if OrgState(fields["status"]).is_failing:
        since = status.failing_since(session.database, session.org_id)
        fields["failingSince"] = since or now
    if _is_success(run, standing):
        fields["lastSuccessAt"] = now
    if run.warnings:
        fields["warnings"] = run.warnings
    if fields["status"] == status.PAUSED:
        probes = (each.next_try_at for each in each_progress)
        fields["nextTryAt"] = min(filter(None, probes), default=next_probe(now))
    if len(standing) == 1:
        return fields | error_fields(run.error or _still_so(session.provider, session.progress))
    fields["providers"] = [_shown(name, progress) for name, progress in standing.items()]
    return fields | _errors_of_several(run, standing)


def _is_success(run: Run, standing: Standing) -> bool:
    """Whether no provider fails, but for paused ones: of these people were told, and they are
    expected not to succeed."""
    tried = [n for n, each in standing.items() if not is_paused(each.credential_failures)]
    unmatched = {name for name, work in run.work.items() if why_unmatched(work)}
    return bool(tried) and not any(standing[n].error or n in unmatched for n in tried)


def _errors_of_several(run: Run, standing: Standing) -> dict[str, Any]:
    """The status fields of errors at several providers: a sentence for each that fails."""
    found = {name: each.error or _still_so(name, each) for name, each in standing.items()}
    told = {name: error_fields(error) for name, error in found.items() if error}
    failing = {n: f for n, f in told.items() if _status(n, standing[n]) in (ERROR, status.PAUSED)}
    shown = failing or told
    if not shown:
        return error_fields(run.error)
    whose: dict[str, list[str]] = {}
    for name, fields in shown.items():
        whose.setdefault(fields["lastError"], []).append(label(name))
    sentences = [f"{' and '.join(names)}: {said}" for said, names in whose.items()]
    return next(iter(shown.values())) | {"lastError": " ".join(sentences)}


def _shown(provider: str, progress: SyncProgress) -> dict[str, Any]:
    """One of several providers in the status."""
    state = _status(provider, progress)
    shown: dict[str, Any] = {"provider": provider, "status": state, **_counts([progress])}
    if progress.last_success_at:
        shown["lastSuccessAt"] = progress.last_success_at
    if state == status.PAUSED:
        shown["nextTryAt"] = progress.next_try_at
    return shown | error_fields(progress.error or _still_so(provider, progress))


def _counts(providers: Iterable[SyncProgress]) -> dict[str, int]:
    counts = [each.counts for each in providers]
    return {
        "customersCount": sum(each.customers for each in counts),
        "ordersCount": sum(each.orders for each in counts),
        "menuProductsCount": sum(each.menu_products for each in counts),
    }


def _streams(providers: Iterable[SyncProgress]) -> dict[str, dict[str, Any]]:
    """Each stream over all providers: as old as it is at the one where it is oldest, with the first
    error there is, and how many removals wait."""
    found: dict[str, dict[str, Any]] = {}
    for progress in providers:
        whole = progress.error if progress.error and progress.error.stream is None else None
        for stream, standing in progress.streams.items():
            shown = found.setdefault(stream, {"lastSuccessAt": standing.last_success_at})
            if None not in (shown["lastSuccessAt"], standing.last_success_at):
                shown["lastSuccessAt"] = min(shown["lastSuccessAt"], standing.last_success_at)
            else:
                shown["lastSuccessAt"] = None
            error = standing.error or whole
            if error and "error" not in shown:
                shown["error"] = error.model_dump(by_alias=True, exclude_none=True)
            if hold := progress.holds.get(stream):
                shown["held"] = shown.get("held", 0) + hold.count
                shown["heldBecause"] = f"{hold.reason}."
    return found


def _still_so(provider: str, progress: SyncProgress) -> RunError | None:
    """What an earlier run found and this one has not looked at."""
    if suffixed(provider, UNMATCHED) in progress.incidents:
        skipped = progress.counts.orders_skipped
        found = f"no customer matches {counted(skipped, 'orders')}: see the skipped orders"
        return run_error(OrdersWithoutCustomers(found), "orders")
    return waiting(progress.holds) if progress.holds else None


def waiting(holds: Mapping[str, Hold]) -> RunError:
    """The first of the holds as an error."""
    stream, hold = next(iter(holds.items()))
    return run_error(RemovalHeld(f"{hold.reason}. {how_to_decide(hold)}"), stream)


def how_to_decide(hold: Hold) -> str:
    """What people can do about a removal that is held."""
    if not hold.proven:
        return "Nobody can allow that: see at the POS why."
    return (
        "If it is right, approve it in the console (Removals) or with `sync-sam removals ORG"
        " approve`, or sync with allowDeletions; else correct it at the POS."
    )


def _status(provider: str, progress: SyncProgress) -> str:
    """How the sync with one provider stands."""
    if is_paused(progress.credential_failures):
        return status.PAUSED
    if progress.error or suffixed(provider, UNMATCHED) in progress.incidents:
        return ERROR
    return "held" if progress.holds else "active"


def _of_org(providers: list[str]) -> str:
    """The org's status by those of its providers."""
    if {*providers} == {status.PAUSED}:
        return status.PAUSED
    if not {status.PAUSED, ERROR}.isdisjoint(providers):
        return ERROR
    return "held" if "held" in providers else "active"
