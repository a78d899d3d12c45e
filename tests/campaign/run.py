"""One seed, from its first tick to its last invariant."""

import math
import time
import traceback
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from deploy.local.simulator.fault import read_fault
from deploy.local.simulator.lightspeed.retailer import LightspeedSimulation
from deploy.local.simulator.lightspeed.server import LightspeedServer
from deploy.local.simulator.server import serve
from deploy.local.simulator.simulation import Simulation
from shared.domain.providers import LIGHTSPEED
from tests.campaign import (
    ecom_import,
    hostile_messages,
    hostile_records,
    invariants,
    project,
    retail_records,
)
from tests.campaign.chaos import Calm, Chaos
from tests.campaign.dispatcher import Broken
from tests.campaign.ecom_import import EcomImporter
from tests.campaign.firestore_weather import FAIR
from tests.campaign.hostile_records import HostileRecord
from tests.campaign.invariants import Expectation
from tests.campaign.late_changes import Deleted, LateChanges
from tests.campaign.plan import DAY_HOURS, Plan, Tick, draw, rng
from tests.campaign.pos_activity import PosActivity, utc
from tests.campaign.project import Project
from tests.campaign.retail_activity import SECRET_NOTE, RetailActivity, Unheard
from tests.campaign.retail_plan import Import
from tests.campaign.retail_truth import RetailTruth
from tests.campaign.services import Services
from tests.campaign.stored import MENU, differences

SHOWN = 20
SETTLE_SECONDS = 180.0
LOOKS = (4, 12, 24)
"""After how many ticks it is seen whether late changes were noticed already."""
WATCHES = 8
LEASE_MARGIN_SECONDS = 20.0
IMPORT_TRIES = 10


@dataclass(slots=True)
class Outcome:
    """What came of a seed; ``problems`` is empty where every invariant held."""

    seed: int
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    trail: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """The seed in one line."""
        names = ("deliveries", "twins", "killed", "stopped", "lease lost", "postponed")
        more = ("dead letters", "contended", "Firestore faults", "failed with Firestore")
        counted = ", ".join(f"{self.counts[name]} {name}" for name in (*names, *more))
        state = "failed" if self.problems else "ok"
        return f"seed {self.seed:<4} {state:<6} {self.seconds:5.1f} s  {counted}"


def run_seed(seed: int, services: Services, logs: Path, without: Collection[str] = ()) -> Outcome:
    """Run a seed, ``without`` some of plan.DRAWS. Whatever goes wrong is in the outcome."""
    began = time.monotonic()
    outcome = Outcome(seed)

    def trail(line: str) -> None:
        outcome.trail.append(f"{time.monotonic() - began:6.2f}  {line}")

    plan = draw(seed, without)
    outcome.trail += [f"plan    {line}" for line in plan.lines()]
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"seed-{seed}.log"
    log.unlink(missing_ok=True)
    simulation = Simulation(plan.orgs)
    retail = LightspeedSimulation(plan.retailers)
    with serve(simulation) as server, LightspeedServer(retail) as till:
        locations = [*server.locations(), *till.locations()]
        ours = Project(f"demo-{seed}-{time.time_ns():x}", services, log, locations, trail)
        campaign = Campaign(plan, simulation, retail, ours, outcome)
        try:
            campaign.disturb()
            campaign.settle()
            with Project(f"{ours.name}-fresh", services, log, locations, trail) as fresh:
                campaign.compare(fresh)
                campaign.check_log(log)
        except Broken as broken:
            outcome.problems.append(str(broken))
        except Exception:  # a fault of the campaign itself: the other seeds go on
            outcome.problems.append(traceback.format_exc())
        finally:
            ours.set_weather(FAIR, 0)
            outcome.counts.update(ours.dispatcher.counts)
            outcome.counts["contended"] = ours.injected.pop("CONTENTION", 0)
            outcome.counts["Firestore faults"] = ours.injected.total()
            outcome.problems += ours.refused()
            ours.close()
    outcome.seconds = time.monotonic() - began
    return outcome


class Campaign:
    """One seed's story."""

    def __init__(
        self,
        plan: Plan,
        simulation: Simulation,
        retail: LightspeedSimulation,
        ours: Project,
        outcome: Outcome,
    ) -> None:
        self._plan = plan
        self._simulation = simulation
        self._retail = retail
        self._ours = ours
        self._outcome = outcome
        self._later = timedelta(0)
        self._orgs = plan.org_ids
        at_alleaves = {org.id: org for org in simulation.orgs}
        at_x_series = {
            org_id: RetailTruth(each, [r for r in plan.retail_records if r.org_id == org_id])
            for each in retail
            for org_id in [each.spec.org_id]
        }
        self._expected = {
            org_id: Expectation(
                at_alleaves.get(org_id),
                at_x_series.get(org_id),
                [record for record in plan.records if record.org_id == org_id],
                Deleted(),
            )
            for org_id in self._orgs
        }
        self._unheard = {org_id: Unheard() for org_id in at_x_series}
        self._withdrawn: list[HostileRecord] = []
        self._menus: dict[str, set[str]] = {org_id: set() for org_id in self._orgs}

    def disturb(self) -> None:
        """Let all go wrong that the plan says."""
        ours, plan = self._ours, self._plan
        ours.configure(self._orgs, plan.lookback_days)
        ours.dispatcher.conduct = Chaos(plan.max_attempts, plan.doomed, plan=plan)
        for org_id in self._unheard:
            shop = self._activity(org_id, rng(plan.seed, "notes", org_id))
            shop.open(self._expected[org_id].org)
        for number, tick in enumerate(plan.ticks):
            self._later += timedelta(hours=tick.hours_later)
            ours.set_weather(tick.firestore, plan.seed)
            ours.set(self._later, plan.scale, plan.settings)
            self._tick(number, tick)
            self._change_late(number)

    def settle(self) -> None:
        """No more faults: deliver what is left, let leases run out, sync until all is quiet."""
        ours, plan = self._ours, self._plan
        self._trail("no more faults")
        for simulation in (self._simulation, self._retail):
            simulation.faults.clear()
        ours.set_weather(FAIR, plan.seed)
        ours.dispatcher.conduct = Calm(plan.max_attempts, plan.doomed)
        self._wait(0)
        ours.dispatcher.work(limit=SETTLE_SECONDS)
        ours.dispatcher.conduct = Calm(plan.max_attempts)
        self._wait_for_leases()
        self._watch()
        self._import_at_last(ours)
        if not all(record.usable_id for record in plan.records):
            self._wait(DAY_HOURS)
            self._clean_tick(ours)
            self._withdraw()
        if plan.lateness:
            self._clean_tick(ours)
            self._change_late(len(plan.ticks))
            self._wait_for_late_changes()
        self._wait(DAY_HOURS)
        for _ in range(2):
            runs = self._clean_tick(ours)
        ours.replay_dead_letters(self._is_replayed)
        ours.dispatcher.work()
        for org_id, run in runs.items():
            self._check(org_id, invariants.unchanged(run, self._expected[org_id]))
            self._check(org_id, invariants.ended_well(run))
        # It ends runs that were stored and, as Firestore's answer was lost, never asked for.
        self._watch()
        for org_id in self._orgs:
            self._check(org_id, invariants.over(ours.stored(org_id)))

    def _wait(self, hours: float) -> None:
        """Let time pass at no fault."""
        self._later += timedelta(hours=hours)
        self._ours.set(self._later, None, project.PATIENT)

    def _withdraw(self) -> None:
        """What cannot be told by its id is taken out at the POS, which may now be believed."""
        for org_id, expected in self._expected.items():
            stored, now = self._ours.stored(org_id), utc(self._later)
            self._check(
                org_id,
                invariants.in_the_end(
                    stored, expected, now, after_daily_pass=False, removals=False
                ),
            )
            for record in expected.records:
                if not record.usable_id:
                    self._check(org_id, hostile_records.problems(record, stored))
                    hostile_records.withdraw(record, expected.alleaves)
                    self._withdrawn.append(record)

    def _wait_for_late_changes(self) -> None:
        """Ticks, until what changed long ago is noticed or a day is over."""
        hours = self._plan.hours_between_ticks
        count = math.ceil(DAY_HOURS / hours)
        for number in range(1, count + 1):
            self._wait(hours)
            self._clean_tick(self._ours)
            if number in LOOKS and not any(self._late_problems()):
                return

    def _late_problems(self) -> Iterator[str]:
        for org_id, expected in self._expected.items():
            stored, now = self._ours.stored(org_id), utc(self._later)
            yield from invariants.in_the_end(stored, expected, now, after_daily_pass=False)

    def _watch(self) -> None:
        """The watchdog's schedule, until nothing is outstanding, two hours at most."""
        for _ in range(WATCHES):
            self._wait(0.25)
            self._ours.tick("watchdog")
            self._ours.dispatcher.work()
            outstanding = (
                invariants.outstanding(self._ours.stored(org_id)) for org_id in self._orgs
            )
            if not any(map(any, outstanding)):
                return

    def _is_replayed(self, letter: Mapping[str, Any]) -> bool:
        """Whether an operator sends a dead letter again: not what is hostile, and nothing of
        ``spending`` where that is to come right by itself."""
        if any(hostile_messages.is_of(m.name, letter["data"]) for m in self._plan.messages):
            return False
        return not (self._plan.doomed and letter["topic"] == "spending")

    def compare(self, fresh: Project) -> None:
        """Hold what is stored against the POS, and against an undisturbed sync of it."""
        ours = self._ours
        fresh.configure(self._orgs, self._plan.lookback_days)
        fresh.set(self._later, None, project.PATIENT)
        self._import_at_last(fresh)
        undisturbed = self._clean_tick(fresh)
        for daily_pass in (False, True):
            if daily_pass:
                for each in (ours, fresh):
                    each.compute_everybody(self._orgs)
                    each.dispatcher.work()
            for org_id, expected in self._expected.items():
                now = utc(self._later)
                mine, other = ours.stored(org_id), fresh.stored(org_id)
                self._check(
                    org_id, invariants.in_the_end(mine, expected, now, after_daily_pass=daily_pass)
                )
                left_out = expected.left_out(mine, self._withdrawn)
                self._check(
                    org_id,
                    differences(
                        mine.account(after_daily_pass=daily_pass, left_out=left_out),
                        other.account(after_daily_pass=daily_pass, left_out=left_out),
                    ),
                )
        for org_id, run in undisturbed.items():
            self._check(org_id, invariants.ended_well(run))
            self._check_at_last(org_id)
        self._check(fresh.name, fresh.refused())
        letters = [str(letter["data"]) for letter in ours.dead_letters().values()]
        sent = self._plan.messages
        self._check("messages", hostile_messages.problems(sent, letters, ours.tenants()))

    def _check_at_last(self, org_id: str) -> None:
        stored, expected = self._ours.stored(org_id), self._expected[org_id]
        self._check(org_id, invariants.over(stored))
        self._check(org_id, invariants.outstanding(stored))
        self._check(org_id, invariants.status_is_right(stored, expected))
        for record in expected.records:
            if record not in self._withdrawn:
                self._check(org_id, hostile_records.problems(record, stored))
        if expected.retail is not None:
            self._check(org_id, invariants.nowhere(stored, SECRET_NOTE))
            for hostile in expected.retail.records:
                self._check(org_id, retail_records.problems(hostile, stored))

    def check_log(self, log: Path) -> None:
        """Hold the logs of all workers against what they must not say."""
        if log.exists() and SECRET_NOTE in log.read_text(errors="replace"):
            self._check(str(log), [f"it says {SECRET_NOTE!r}"])

    def _tick(self, number: int, tick: Tick) -> None:
        ours, dispatcher = self._ours, self._ours.dispatcher
        self._trail(f"tick {number + 1}, {self._later} later")
        self._enter_hostile(number)
        self._business("before", number)
        struck = ((self._simulation, tick.faults), (self._retail, tick.retail_faults))
        for simulation, faults in struck:
            simulation.faults.clear()
            for fault in faults:
                self._trail(f"fault: {fault}")
                simulation.faults.add(read_fault.validate_python(fault))
        for line in tick.firestore.lines():
            self._trail(f"Firestore: {line}")
        ours.tick()
        for message in self._plan.messages:
            if message.tick == number:
                ours.send(message)
        for request in tick.manual:
            self._trail(f"by hand: {request}")
            ours.sync_by_hand(request)
        importers = self._begin_imports(number)
        dispatcher.work(tick.mid_run_seconds)
        self._business("during", number)
        self._end_imports(importers)
        dispatcher.work(tick.overlaps)
        if dispatcher.quiet:
            for org_id, expected in self._expected.items():
                stored = ours.stored(org_id)
                self._check(org_id, invariants.at_rest(stored, expected, self._menus[org_id]))
                self._menus[org_id] |= stored.documents(MENU).keys()

    def _enter_hostile(self, tick: int) -> None:
        for each in self._plan.retail_records:
            if each.tick == tick:
                self._trail(f"X-Series of {each.org_id}: {each.name} entered")
                retailer = self._retail_of(each.org_id).retailer
                retail_records.enter(each, retailer, utc(self._later))
        for org_id, expected in self._expected.items():
            for record in expected.records:
                if record.tick == tick:
                    self._trail(f"POS of {org_id}: {record.name} entered")
                    for body in hostile_records.enter(record, expected.alleaves, utc(self._later)):
                        self._ours.take_in(org_id, body)

    def _change_late(self, tick: int) -> None:
        for lateness in self._plan.lateness:
            if lateness.tick == tick:
                expected = self._expected[lateness.org_id]
                stored = self._ours.stored(lateness.org_id)
                dice = rng(self._plan.seed, "late", tick, lateness.org_id)
                late = LateChanges(expected.alleaves, dice, utc(self._later))
                for what in late.apply(lateness, expected.deleted):
                    self._trail(f"POS of {lateness.org_id}: {what}")
                documents = stored.documents("customers").keys() | stored.documents("orders").keys()
                expected.deleted.note_stored(documents)

    def _business(self, when: str, tick: int) -> None:
        if tick == 0 and when == "before":
            return
        for org in self._simulation.orgs:
            dice = rng(self._plan.seed, "till", tick, when, org.id)
            activity = PosActivity(org, dice, utc(self._later), self._plan.lookback_days)
            for stroke in activity.business(dice.randint(0, 6)):
                self._trail(f"POS of {org.id}: {stroke}")
            for body in activity.webhooks:
                self._trail(f"webhook of {org.id}: {body.decode()}")
                self._ours.take_in(org.id, body)

        for org_id in self._unheard:
            dice = rng(self._plan.seed, "shop", tick, when, org_id)
            shop = self._activity(org_id, dice)
            for stroke in shop.business(dice.randint(0, 8)):
                self._trail(f"X-Series of {org_id}: {stroke}")
            for body in shop.webhooks:
                self._ours.take_in(org_id, body, LIGHTSPEED)

    def _activity(self, org_id: str, dice: Random) -> RetailActivity:
        retail = self._retail_of(org_id)
        unheard, deletions = self._unheard[org_id], self._plan.retail_deletions
        return RetailActivity(retail.retailer, dice, utc(self._later), unheard, deletions)

    def _begin_imports(self, tick: int) -> list[tuple[Import, EcomImporter]]:
        """Those of the tick, the first of each; what is exported counts as imported from now on."""
        found = []
        for each in self._plan.imports:
            if each.tick == tick:
                retail = self._retail_of(each.org_id)
                retail.exported = retail.export()
                found.append((each, self._begin_import(each.org_id, self._ours, each)))
        return found

    def _end_imports(self, begun: list[tuple[Import, EcomImporter]]) -> None:
        for drawn, importer in begun:
            for number in range(drawn.times):
                again = importer if not number else self._begin_import(drawn.org_id, self._ours)
                self._ended(drawn.org_id, again.outcome())

    def _import_at_last(self, where: Project) -> None:
        """Import what was exported last, of each org, until that is done, as an operator does."""
        for org_id, expected in self._expected.items():
            if expected.retail and expected.retail.exported:
                self._import_until_done(org_id, where)
        where.dispatcher.work()

    def _import_until_done(self, org_id: str, where: Project) -> None:
        for _ in range(IMPORT_TRIES):
            outcome = self._ended(org_id, self._begin_import(org_id, where).outcome())
            if outcome == ecom_import.DONE:
                return
            time.sleep(ecom_import.LEASE_SECONDS / 2)
        raise Broken(f"no import of {org_id} is done")

    def _begin_import(
        self, org_id: str, where: Project, drawn: Import | None = None
    ) -> EcomImporter:
        retail = self._retail_of(org_id)
        zone, fault = retail.retailer.spec.timezone, drawn.process_fault if drawn else None
        return where.begin_import(org_id, retail.exported, zone, fault)

    def _ended(self, org_id: str, outcome: str) -> str:
        self._trail(f"import of {org_id}: {outcome}")
        if outcome == ecom_import.FAILED:
            raise Broken(f"an import of {org_id} failed")
        return outcome

    def _retail_of(self, org_id: str) -> RetailTruth:
        retail = self._expected[org_id].retail
        assert retail is not None
        return retail

    def _clean_tick(self, where: Project) -> dict[str, dict[str, Any]]:
        """One undisturbed tick; the run of each org."""
        tick_id = where.tick()
        where.dispatcher.work()
        found = {org_id: where.run(org_id, tick_id) for org_id in self._orgs}
        for org_id, run in found.items():
            self._trail(f"{where.name}: run of {org_id} {run.get('state')}")
        return found

    def _wait_for_leases(self) -> None:
        """A worker that died keeps its org until its lease has run out, and not longer."""
        end = time.monotonic() + LEASE_MARGIN_SECONDS
        while not all(self._ours.stored(org_id).lease_is_free for org_id in self._orgs):
            if time.monotonic() > end:
                raise Broken("a lease does not run out")
            time.sleep(0.1)

    def _check(self, org_id: str, problems: Iterable[str]) -> None:
        found = list(problems)
        for problem in islice(found, SHOWN):
            self._outcome.problems.append(f"{org_id}: {problem}")
        if len(found) > SHOWN:
            self._outcome.problems.append(f"{org_id}: and {len(found) - SHOWN} more")

    def _trail(self, line: str) -> None:
        self._outcome.trail.append(f"        {line}")
