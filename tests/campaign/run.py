"""One seed, from its first tick to its last invariant."""

import time
import traceback
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from deploy.local.emulators import Emulators
from deploy.local.simulator.fault import read_fault
from deploy.local.simulator.org import Org
from deploy.local.simulator.server import serve
from deploy.local.simulator.simulation import Simulation
from tests.campaign import invariants, project
from tests.campaign.chaos import Calm, Chaos
from tests.campaign.dispatcher import Broken
from tests.campaign.plan import DAY_HOURS, Plan, Tick, draw, rng
from tests.campaign.pos_activity import PosActivity, utc
from tests.campaign.project import Project
from tests.campaign.stored import MENU, differences

SHOWN = 20
SETTLE_SECONDS = 180.0
LEASE_MARGIN_SECONDS = 20.0


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
        counted = ", ".join(f"{self.counts[name]} {name}" for name in (*names, "dead letters"))
        state = "failed" if self.problems else "ok"
        return f"seed {self.seed:<4} {state:<6} {self.seconds:5.1f} s  {counted}"


def run_seed(seed: int, emulators: Emulators, logs: Path) -> Outcome:
    """Run a seed. Whatever goes wrong is in the outcome."""
    began = time.monotonic()
    outcome = Outcome(seed)

    def trail(line: str) -> None:
        outcome.trail.append(f"{time.monotonic() - began:6.2f}  {line}")

    plan = draw(seed)
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"seed-{seed}.log"
    log.unlink(missing_ok=True)
    simulation = Simulation(plan.orgs)
    with serve(simulation) as server:
        locations = server.locations()
        ours = Project(f"demo-{seed}-{time.time_ns():x}", emulators, log, locations, trail)
        campaign = Campaign(plan, simulation, ours, outcome)
        try:
            campaign.disturb()
            campaign.settle()
            with Project(f"{ours.name}-fresh", emulators, log, locations, trail) as fresh:
                campaign.compare(fresh)
        except Broken as broken:
            outcome.problems.append(str(broken))
        except Exception:  # a fault of the campaign itself: the other seeds go on
            outcome.problems.append(traceback.format_exc())
        finally:
            outcome.counts.update(ours.dispatcher.counts)
            ours.close()
    outcome.seconds = time.monotonic() - began
    return outcome


class Campaign:
    """One seed's story."""

    def __init__(self, plan: Plan, simulation: Simulation, ours: Project, outcome: Outcome) -> None:
        self._plan = plan
        self._simulation = simulation
        self._ours = ours
        self._outcome = outcome
        self._later = timedelta(0)
        self._orgs: Mapping[str, Org] = {org.id: org for org in simulation.orgs}
        self._menus: dict[str, set[str]] = {org_id: set() for org_id in self._orgs}

    def disturb(self) -> None:
        """Let all go wrong that the plan says."""
        ours, plan = self._ours, self._plan
        ours.configure(self._orgs, plan.lookback_days)
        ours.dispatcher.conduct = Chaos(plan.max_attempts, plan)
        for number, tick in enumerate(plan.ticks):
            self._later += timedelta(hours=tick.hours_later)
            ours.set(self._later, plan.scale, plan.settings)
            self._tick(number, tick)

    def settle(self) -> None:
        """No more faults: deliver what is left, let leases run out, sync twice."""
        ours = self._ours
        self._trail("no more faults")
        self._simulation.faults.clear()
        ours.dispatcher.conduct = Calm(self._plan.max_attempts)
        ours.set(self._later, None, project.PATIENT)
        ours.dispatcher.work(limit=SETTLE_SECONDS)
        self._wait_for_leases()
        self._later += timedelta(hours=DAY_HOURS)
        ours.set(self._later, None, project.PATIENT)
        for _ in range(2):
            runs = self._clean_tick(ours)
        ours.replay_dead_letters()
        ours.dispatcher.work()
        for org_id, run in runs.items():
            self._check(org_id, invariants.unchanged(run))

    def compare(self, fresh: Project) -> None:
        """Hold what is stored against the POS, and against an undisturbed sync of it."""
        ours = self._ours
        fresh.configure(self._orgs, self._plan.lookback_days)
        fresh.set(self._later, None, project.PATIENT)
        undisturbed = self._clean_tick(fresh)
        for daily_pass in (False, True):
            if daily_pass:
                for each in (ours, fresh):
                    each.compute_everybody(self._orgs)
                    each.dispatcher.work()
            for org_id, org in self._orgs.items():
                now = utc(self._later)
                mine, other = ours.stored(org_id), fresh.stored(org_id)
                self._check(
                    org_id, invariants.in_the_end(mine, org, now, after_daily_pass=daily_pass)
                )
                self._check(
                    org_id,
                    differences(
                        mine.account(after_daily_pass=daily_pass),
                        other.account(after_daily_pass=daily_pass),
                    ),
                )
        for org_id, run in undisturbed.items():
            self._check(org_id, invariants.over(ours.stored(org_id)))
            if run.get("state") not in ("succeeded", "partial"):
                self._check(org_id, [f"the undisturbed sync {run.get('state')}"])

    def _tick(self, number: int, tick: Tick) -> None:
        ours, dispatcher = self._ours, self._ours.dispatcher
        self._trail(f"tick {number + 1}, {self._later} later")
        self._business("before", number)
        self._simulation.faults.clear()
        for fault in tick.faults:
            self._trail(f"fault: {fault}")
            self._simulation.faults.add(read_fault.validate_python(fault))
        ours.tick()
        for request in tick.manual:
            self._trail(f"by hand: {request}")
            ours.sync_by_hand(request)
        dispatcher.work(tick.mid_run_seconds)
        self._business("during", number)
        dispatcher.work(tick.overlaps)
        if dispatcher.quiet:
            for org_id, org in self._orgs.items():
                stored = ours.stored(org_id)
                self._check(org_id, invariants.at_rest(stored, org, self._menus[org_id]))
                self._menus[org_id] |= stored.documents(MENU).keys()

    def _business(self, when: str, tick: int) -> None:
        if tick == 0 and when == "before":
            return
        for org in self._orgs.values():
            dice = rng(self._plan.seed, "till", tick, when, org.id)
            activity = PosActivity(org, dice, utc(self._later), self._plan.lookback_days)
            for stroke in activity.business(dice.randint(0, 6)):
                self._trail(f"POS of {org.id}: {stroke}")
            for body in activity.webhooks:
                self._trail(f"webhook of {org.id}: {body.decode()}")
                self._ours.take_in(org.id, body)

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
