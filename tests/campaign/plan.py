"""What a seed draws before anything begins."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from deploy.local.simulator.lightspeed.spec import RetailerSpec
from deploy.local.simulator.spec import OrgSpec
from tests.campaign import (
    faults,
    hostile_messages,
    hostile_records,
    late_changes,
    retail_plan,
    retail_records,
)
from tests.campaign import firestore_weather as weather
from tests.campaign.firestore_weather import FirestoreWeather
from tests.campaign.hostile_messages import HostileMessage
from tests.campaign.hostile_records import HostileRecord
from tests.campaign.late_changes import Lateness
from tests.campaign.retail_plan import Import
from tests.campaign.retail_records import RetailRecord
from tests.campaign.scale import Scale

ALL_DAYS = 3660
"""A look-back that re-reads every order once a day."""
DRAWS = (
    *("records", "late", "deletions", "spending-kills", "pos-faults", "messages"),
    *("contention", "firestore-faults", "lightspeed", "imports", "import-kills"),
)
"""What may be left out of the plans. Each is drawn apart: the others stay the same without it."""
TICKS = 3
MOST_KILLS = 10
"""Workers of ``spending`` that are killed in a row."""
DAY_HOURS = 25
"""A day's pass, and past the hour at which a paused org is tried again."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick of the schedule. ``hours_later`` than the one before; ``overlaps``: so many seconds
    after which the next one comes, done or not (None: it waits); ``mid_run_seconds``: when the
    POS goes on selling; ``firestore``: how that fares from then on. ``faults`` are those of
    Alleaves, ``retail_faults`` those of X-Series."""

    hours_later: int
    faults: tuple[dict[str, Any], ...]
    manual: tuple[dict[str, Any], ...]
    overlaps: float | None
    mid_run_seconds: float
    firestore: FirestoreWeather = weather.FAIR
    retail_faults: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A seed's own world. ``orgs`` are at Alleaves, ``retailers`` at X-Series; an org may be both.
    ``retail_deletions``: whether retailers delete anything."""

    seed: int
    orgs: tuple[OrgSpec, ...]
    lookback_days: int
    scale: Scale
    settings: dict[str, str]
    max_attempts: int
    ticks: tuple[Tick, ...]
    records: tuple[HostileRecord, ...] = ()
    lateness: tuple[Lateness, ...] = ()
    hours_between_ticks: float = 0.5
    messages: tuple[HostileMessage, ...] = ()
    doomed: frozenset[tuple[str, int]] = frozenset()
    retailers: tuple[RetailerSpec, ...] = ()
    imports: tuple[Import, ...] = ()
    retail_records: tuple[RetailRecord, ...] = ()
    retail_deletions: bool = True

    @property
    def org_ids(self) -> list[str]:
        """Every org, wherever it is."""
        found = {org.id for org in self.orgs} | {each.org_id for each in self.retailers}
        return sorted(found)

    def lines(self) -> Iterator[str]:
        """What is hostile in it, to be read where the seed fails."""
        yield from (f"hostile record {record}" for record in self.records)
        for each in self.lateness:
            yield f"late: {each}; then a tick every {self.hours_between_ticks:g} hours"
        yield from (f"hostile message {message}" for message in self.messages)
        for spec in self.retailers:
            yield f"at X-Series: {spec.org_id}, {spec}"
        yield from (str(each) for each in self.imports)
        yield from (f"hostile record {record}" for record in self.retail_records)
        for function, ordinal in sorted(self.doomed):
            yield f"{function} #{ordinal} is killed at every delivery"


def rng(seed: int, *subject: object) -> Random:
    """The draws of one subject: what is drawn for another never moves them."""
    return Random("/".join(map(str, (seed, *subject))))


def draw(seed: int, without: Collection[str] = ()) -> Plan:
    """The plan of a seed; ``without`` some of DRAWS."""
    plan = _draw(seed)
    names = [org.id for org in plan.orgs]
    ticks = plan.ticks
    if "pos-faults" not in without:
        more = [faults.draw_hostile(rng(seed, "hostile faults", n)) for n in range(TICKS)]
        ticks = tuple(
            replace(tick, faults=tick.faults + extra)
            for tick, extra in zip(ticks, more, strict=True)
        )
    ticks = tuple(
        replace(tick, firestore=_firestore(seed, number, without))
        for number, tick in enumerate(ticks)
    )
    records = hostile_records.draw(rng(seed, "hostile records"), names, TICKS)
    messages = hostile_messages.draw(rng(seed, "hostile messages"), names, TICKS)
    return _with_retailers(
        replace(
            plan,
            ticks=ticks,
            records=() if "records" in without else records,
            lateness=late_changes.draw(
                rng(seed, "late changes"),
                names,
                TICKS,
                changes="late" not in without,
                deletions="deletions" not in without,
            ),
            hours_between_ticks=rng(seed, "late ticks").choice((0.5, 2, 2, 8, 8, DAY_HOURS)),
            messages=() if "messages" in without else messages,
            doomed=frozenset()
            if "spending-kills" in without
            else _doomed(rng(seed, "spending kills"), plan.max_attempts),
        ),
        without,
    )


def _with_retailers(plan: Plan, without: Collection[str]) -> Plan:
    """The plan, some of its orgs at X-Series instead of Alleaves, or at both."""
    if "lightspeed" in without:
        return plan
    seed = plan.seed
    shared = [
        retail_plan.share(rng(seed, "POS", org.id), org, rng(seed, "retailer", org.id))
        for org in plan.orgs
    ]
    orgs = tuple(org for at_alleaves, _ in shared for org in at_alleaves)
    retailers = tuple(retailer for _, found in shared for retailer in found)
    if not retailers:
        return plan
    honest = rng(seed, "honest X-Series").random() < 0.3
    ticks = [
        replace(
            tick,
            retail_faults=faults.draw_retail(rng(seed, "X-Series faults", n), honest=honest),
        )
        for n, tick in enumerate(plan.ticks)
    ]
    imports = retail_plan.draw_imports(rng(seed, "imports"), retailers, len(ticks))
    if "import-kills" in without:
        imports = retail_plan.without_kills(imports)
    names = [each.org_id for each in retailers]
    hostile = retail_records.draw(rng(seed, "hostile X-Series"), names, len(ticks))
    left = {org.id for org in orgs}
    return replace(
        plan,
        orgs=orgs,
        retailers=retailers,
        ticks=tuple(ticks),
        imports=() if "imports" in without else imports,
        records=tuple(each for each in plan.records if each.org_id in left),
        lateness=tuple(each for each in plan.lateness if each.org_id in left),
        retail_records=() if "records" in without else hostile,
        retail_deletions="deletions" not in without,
    )


def _firestore(seed: int, tick: int, without: Collection[str]) -> FirestoreWeather:
    found = weather.FAIR
    if "contention" not in without:
        contention = weather.draw_contention(rng(seed, "contention", tick))
        found = replace(found, contention=contention)
    if "firestore-faults" not in without:
        faults, latency = weather.draw_faults(rng(seed, "Firestore faults", tick))
        found = replace(found, faults=faults, latency=latency)
    return found


def _doomed(dice: Random, max_attempts: int) -> frozenset[tuple[str, int]]:
    """Messages to ``spending`` that follow on each other, at so many deliveries killed in a row."""
    first, count = dice.choice((1, 1, 2, 4)), dice.randint(1, MOST_KILLS // max_attempts)
    if dice.random() < 0.65:
        return frozenset()
    return frozenset(("spending", first + number) for number in range(count))


def _draw(seed: int) -> Plan:
    dice = rng(seed, "plan")
    orgs = _orgs(seed, dice)
    # A POS that leaves orders out may do so on days that no later run reads again, unless the
    # look-back reaches them: nobody can mend that but a person with `full`.
    honest = dice.random() < 0.3
    lookback_days = 90 if honest else ALL_DAYS
    return Plan(
        seed=seed,
        orgs=orgs,
        lookback_days=lookback_days,
        scale=_scale(dice),
        settings={
            "LEASE_SECONDS": "1.5",
            "SYNC_SECONDS": str(dice.choice((60, 60, 4, 2, 1.2))),
            "SPENDING_SECONDS": str(dice.choice((60, 60, 1.5))),
            "POS_READ_SECONDS": "0.5",
            "POS_CONCURRENCY": str(dice.choice((1, 2, 8))),
        },
        max_attempts=dice.choice((2, 3, 5, 5)),
        ticks=_ticks(dice, honest=honest, names=[org.id for org in orgs]),
    )


def _orgs(seed: int, dice: Random) -> tuple[OrgSpec, ...]:
    count = 2 if dice.random() < 0.15 else 1
    return tuple(
        OrgSpec(
            id=f"org_{name}",
            customers=dice.randint(60, 250 // count),
            orders=dice.randint(60, 300 // count),
            products=(products := dice.randint(50, 70)),
            rows=products + dice.randint(0, 10),
            locations=dice.choice((1, 1, 2)),
            timezone=dice.choice(("America/New_York", "America/Los_Angeles")),
            api_style=dice.choice(("search", "search", "rest")),
            pin=dice.choice((None, "4821")),
            token_seconds=30 * 86_400,
            seed=seed,
        )
        for name in "ab"[:count]
    )


def _scale(dice: Random) -> Scale:
    return Scale(
        writes_per_commit=dice.choice((25, 60, 150, 400)),
        checkpoint_seconds=dice.choice((0.1, 0.5, 10)),
        checkpoint_writes=dice.choice((40, 150, 8_000)),
        rows_per_window=dice.choice((20, 60, 2_000)),
        customers_at_once=dice.choice((5, 20, 100)),
        customers_per_message=dice.choice((30, 60, 300)),
        everybody_from=dice.choice((20, 200)),
    )


def _ticks(dice: Random, *, honest: bool, names: list[str]) -> tuple[Tick, ...]:
    new_day = dice.choice((None, 1, 2))
    return tuple(
        Tick(
            hours_later=DAY_HOURS if number == new_day else 0,
            faults=faults.draw(dice, honest=honest),
            manual=_manual(dice, names),
            overlaps=dice.choice((None, None, 0.4, 1.2, 2.5)),
            mid_run_seconds=dice.choice((0.0, 0.2, 0.7)),
        )
        for number in range(TICKS)
    )


def _manual(dice: Random, names: list[str]) -> tuple[dict[str, Any], ...]:
    """Now and then a person asks for a sync by hand while the tick's own is under way."""
    if dice.random() < 0.6:
        return ()
    streams = dice.choice((None, None, ["orders"], ["products"], ["customers"]))
    request = {"org_id": dice.choice(names), "full": dice.random() < 0.2, "streams": streams}
    return (request,)
