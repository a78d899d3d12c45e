"""Orgs as operators look at them: all of them, page by page, and how one stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import TypeAdapter

from shared.clock import Clock
from shared.domain.ids import base_org_id, org_id_spellings
from shared.domain.org_health import OrgState, next_scheduled
from shared.errors import RequestInvalid
from shared.services.reads.response_cache import ResponseCache
from shared.store import listing, locations, paths, status
from shared.store.customers import name_key
from shared.store.database import Database, Document, Fields
from shared.store.listing import NAME, QueryRange, decode_cursor, encode_cursor
from shared.store.locations import KnownOrg

KEPT_SECONDS = 30.0
"""A page is made anew after this long, though no run has ended: a location may have changed."""
SCANNED = 500
"""Locations that are read for one page of orgs that were never synced."""
BEYOND = "\uf8ff"
"""Sorts after every character that occurs in names and ids."""
NEVER_SYNCED = "never."
"""Begins the cursors of those orgs."""
FLEET = ""
"""In place of an org's id, in the cache of answers that are about all."""

_AFTER: TypeAdapter[str] = TypeAdapter(str)


class OrgSort(StrEnum):
    """The orders of the list of orgs; a minus is for descending. By another field than the id,
    orgs without that field come behind the others, by id."""

    ORG_ID = "orgId"
    NAME = "name"
    LONGEST_FAILING = "failingSince"
    LONGEST_AGO = "lastSuccessAt"
    LATEST = "-lastSuccessAt"
    MOST_CUSTOMERS = "-customersCount"
    MOST_ORDERS = "-ordersCount"
    MOST_PRODUCTS = "-menuProductsCount"
    MOST_HELD = "-deletionsHeld"
    MOST_QUARANTINED = "-quarantined"


_FIELDS = {OrgSort.ORG_ID: NAME, OrgSort.NAME: "nameKey"}


@dataclass(frozen=True, slots=True)
class OrgSummary:
    """How an org's sync stands. ``owner`` is whose turn it is; ``failing_since`` when the first run
    failed since the last success; ``next_run_at`` when it is next synced by itself, None where
    that is not known or it has no active location. Counts are of stored records."""

    org_id: str
    name: str | None
    provider: str | None
    state: OrgState
    owner: str | None = None
    failing_since: datetime | None = None
    last_success_at: datetime | None = None
    last_sync_at: datetime | None = None
    next_run_at: datetime | None = None
    last_error: str | None = None
    customers_count: int = 0
    orders_count: int = 0
    menu_products_count: int = 0
    deletions_held: int = 0
    quarantined: int = 0


def fleet_version(database: Database, _: str) -> object:
    """Differs where a run of any org has ended since. One read."""
    return status.fleet_version(database)


class OrgPage(NamedTuple):
    """Some orgs, and the cursor of the next page; None where this is the last."""

    orgs: Sequence[OrgSummary]
    cursor: str | None


def summary(
    org_id: str,
    fields: Fields,
    known: KnownOrg | None,
    ticked_at: datetime | None,
    now: datetime,
) -> OrgSummary:
    """An org by its status as stored (empty: it has none) and its locations (None: it has none)."""
    state = OrgState(fields.get("status") or OrgState.NEVER)
    rests_until = fields.get("nextTryAt") if state is OrgState.PAUSED else None
    next_run_at = None
    if known and known.active:
        next_run_at = next_scheduled(org_id, ticked_at, now, rests_until)
    return OrgSummary(
        org_id=org_id,
        name=fields.get("name") or (known.name if known else None),
        provider=fields.get("provider") or (known.provider if known else None),
        state=state,
        owner=fields.get("lastErrorOwner"),
        failing_since=fields.get("failingSince"),
        last_success_at=fields.get("lastSuccessAt"),
        last_sync_at=fields.get("lastSyncAt"),
        next_run_at=next_run_at,
        last_error=fields.get("lastError"),
        customers_count=fields.get("customersCount", 0),
        orders_count=fields.get("ordersCount", 0),
        menu_products_count=fields.get("menuProductsCount", 0),
        deletions_held=fields.get("deletionsHeld", 0),
        quarantined=fields.get("quarantined", 0),
    )


@dataclass(frozen=True, slots=True)
class OrgReads:
    """Lists orgs: those that were ever synced by their status, in the order asked for; behind them
    those that never were, by their locations and by id. Nobody asks for these at the first page of
    a large list: to know that there are none takes a read for each location and each status."""

    database: Database
    clock: Clock
    answers: ResponseCache
    """With ``fleet_version``: a page is kept until a run of any org ends."""

    def page(
        self,
        *,
        state: OrgState | None = None,
        query: str | None = None,
        sort: OrgSort = OrgSort.ORG_ID,
        cursor: str | None = None,
        limit: int = 50,
    ) -> OrgPage:
        """Some orgs, of one state or of all. ``query`` is the beginning of a name or of an id,
        without regard to case in a name; its results are sorted by what was searched for. A page
        may be shorter than asked for. Raises RequestInvalid for a cursor of another listing."""
        asked = (state, query, sort, cursor, limit)
        return self.answers.of(FLEET, asked, KEPT_SECONDS, lambda: self._page(*asked))

    def _page(
        self,
        state: OrgState | None,
        query: str | None,
        sort: OrgSort,
        cursor: str | None,
        limit: int,
    ) -> OrgPage:
        now, ticked_at = self.clock(), locations.last_tick(self.database)
        orgs: list[OrgSummary] = []
        after: str | None = None  # behind which orgs that were never synced are to follow
        if cursor and cursor.startswith(NEVER_SYNCED):
            after = decode_cursor(cursor.removeprefix(NEVER_SYNCED), _AFTER)
        elif state is OrgState.NEVER:
            after = None if cursor else ""
        if after is None:
            if state is OrgState.NEVER:
                raise RequestInvalid("cursor: not one of this listing")
            found = self._synced(state, query, sort, cursor, limit)
            org_ids = [paths.org_of(each.path) for each in found.documents]
            known = locations.known_orgs(self.database, org_ids)
            orgs = [
                summary(org_id, each.fields, known.get(org_id), ticked_at, now)
                for org_id, each in zip(org_ids, found.documents, strict=True)
            ]
            if found.cursor or state is not None:
                return OrgPage(orgs, found.cursor)
            if len(orgs) == limit:
                return OrgPage(orgs, _never_after(""))
            after = ""
        elif state not in (None, OrgState.NEVER):
            raise RequestInvalid("cursor: not one of this listing")
        never, last = self._never(query, after, limit - len(orgs))
        orgs += [summary(each.org_id, {}, each, ticked_at, now) for each in never]
        return OrgPage(orgs, None if last is None else _never_after(last))

    def _synced(
        self,
        state: OrgState | None,
        query: str | None,
        sort: OrgSort,
        cursor: str | None,
        limit: int,
    ) -> listing.DocumentPage:
        def shows(document: Document) -> bool:
            stored = document.fields.get("status")
            return document.id == paths.POS and bool(stored) and state in (None, stored)

        return listing.page(
            self.database,
            paths.INTEGRATIONS,
            _sorted(state, sort) if query is None else _searched(query),
            limit=limit,
            cursor=cursor,
            shows=shows,
            everywhere=True,
        )

    def _never(
        self, query: str | None, after: str, limit: int
    ) -> tuple[list[KnownOrg], str | None]:
        """Orgs with a location and without a status, of the next SCANNED locations; behind which
        org others may follow."""
        candidates, last = locations.orgs_after(self.database, after, SCANNED)
        wanted = [each for each in candidates if query is None or _matches(each, query)]
        at = [paths.pos_status(each.org_id) for each in wanted]
        statuses = self.database.get_all(at, ["status"])
        found = [
            each
            for each in wanted
            if not statuses[paths.pos_status(each.org_id)].fields.get("status")
        ]
        if len(found) > limit:
            return found[:limit], found[limit - 1].org_id
        return found, last


def _never_after(org_id: str) -> str:
    return NEVER_SYNCED + encode_cursor(org_id)


def _sorted(state: OrgState | None, sort: OrgSort) -> list[QueryRange]:
    filters = () if state is None else (("status", "==", state.value),)
    field = _FIELDS.get(sort, sort.value.removeprefix("-"))
    by_id = QueryRange(filters)
    if field == NAME:
        return [by_id]
    first = QueryRange(filters, field, descending=sort.value.startswith("-"))
    return [first, QueryRange(filters, lacking=field)]


def _searched(query: str) -> list[QueryRange]:
    """By a prefix of a name, or of any spelling of an id."""
    key, wanted = name_key(query), query.strip()
    spellings = dict.fromkeys((wanted, *org_id_spellings(wanted)))
    apart = [s for s in spellings if not any(s != o and s.startswith(o) for o in spellings)]
    by_name = QueryRange((("nameKey", ">=", key), ("nameKey", "<", key + BEYOND)), "nameKey")
    return [
        by_name,
        *(
            QueryRange(
                (("orgId", ">=", each), ("orgId", "<", each + BEYOND)),
                "orgId",
                without=("nameKey", key),
            )
            for each in apart
        ),
    ]


def _matches(org: KnownOrg, query: str) -> bool:
    wanted = query.strip()
    spelled = org.org_id.startswith(wanted) or base_org_id(org.org_id).startswith(wanted)
    return spelled or name_key(org.name or org.org_id).startswith(name_key(query))
