"""Delivers messages to workers and sees to what becomes of both."""

import contextlib
import heapq
import itertools
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil

from tests.campaign import worker
from tests.campaign.chaos import Calm
from tests.campaign.process_fault import ProcessFault
from tests.campaign.scale import Scale
from tests.campaign.subscriptions import Message, PullSubscriptions

AT_ONCE = 4
LOOK_SECONDS = 0.03
PULL_SECONDS = 0.15
LONGEST_JOB_SECONDS = 90.0

OUTCOMES = {0: "done", worker.POSTPONED: "postponed", worker.LEASE_LOST: "lease lost", -9: "killed"}
Trail = Callable[[str], None]


class Broken(Exception):
    """Something happened that no fault explains, or the world did not come to rest."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all workers have in common for a time."""

    environment: Mapping[str, Mapping[str, str]]
    log: Path
    later: timedelta
    scale: Scale | None


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    message: Message = field(compare=False)
    copy: int = field(compare=False)


@dataclass(slots=True)
class _AtWork:
    process: ForkServerProcess
    message: Message
    copy: int
    process_fault: ProcessFault | None
    started: float
    stopped_at: float | None = None


class Dispatcher:
    """Deliveries of one project. ``conduct`` and ``setting`` may be exchanged between them."""

    def __init__(
        self, subscriptions: PullSubscriptions, setting: Setting, conduct: Calm, trail: Trail
    ) -> None:
        self.setting = setting
        self.conduct = conduct
        self.counts: Counter[str] = Counter()
        self._subscriptions = subscriptions
        self._trail = trail
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._at_work: list[_AtWork] = []
        self._pull_at = 0.0
        self._marked = False

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way, waiting, or on its way here."""
        idle = not self._due and not self._at_work
        return idle and self._marked and self._subscriptions.markers_are_back

    def work(self, seconds: float | None = None, limit: float = 120.0) -> None:
        """Deliver for so many seconds, or until all is quiet. Raises Broken past ``limit``."""
        self._marked = False
        began = time.monotonic()
        while not self.quiet:
            elapsed = time.monotonic() - began
            if seconds is not None and elapsed >= seconds:
                return
            if elapsed >= limit:
                left = [each.message.name for each in self._at_work]
                left += [due.message.name for due in self._due]
                raise Broken(f"no rest after {limit:g} s: {', '.join(left[:10])}")
            self._step()

    def close(self) -> None:
        """End what is left."""
        for each in self._at_work:
            each.process.kill()
            each.process.join()
        self._subscriptions.close()

    def _step(self) -> None:
        self._pull()
        now = time.monotonic()
        while self._due and self._due[0].at <= now and len(self._at_work) < AT_ONCE:
            self._start(heapq.heappop(self._due))
        sentinels = [each.process.sentinel for each in self._at_work]
        if sentinels:
            wait(sentinels, LOOK_SECONDS)
        else:
            time.sleep(LOOK_SECONDS)
        for each in list(self._at_work):
            if each.process.exitcode is None:
                self._look_after(each)
            else:
                self._at_work.remove(each)
                self._end(each)

    def _pull(self) -> None:
        now = time.monotonic()
        if now < self._pull_at:
            return
        self._pull_at = now + PULL_SECONDS
        for message in self._subscriptions.pull():
            delays = self.conduct.delays(message)
            self.counts["messages"] += 1
            self.counts["twins"] += len(delays) - 1
            for copy, delay in enumerate(delays):
                self._post(message, copy, delay)
        if self._due or self._at_work:
            self._marked = False
        elif not self._marked:
            self._subscriptions.send_markers()
            self._marked = True

    def _post(self, message: Message, copy: int, delay: float) -> None:
        due = _Due(time.monotonic() + delay, next(self._order), message, copy)
        heapq.heappush(self._due, due)

    def _start(self, due: _Due) -> None:
        message, setting = due.message, self.setting
        fault = self.conduct.process_fault(message, due.copy)
        job = worker.Job(
            function=message.function,
            event=message.event,
            environment=setting.environment[message.function],
            log=setting.log,
            later=setting.later,
            scale=setting.scale,
            process_fault=fault,
        )
        self.counts["deliveries"] += 1
        self._at_work.append(_AtWork(worker.start(job), message, due.copy, fault, time.monotonic()))

    def _look_after(self, each: _AtWork) -> None:
        """Wake a stopped worker when its time has come."""
        now = time.monotonic()
        if now - each.started > LONGEST_JOB_SECONDS:
            raise Broken(f"{each.message.name} is at work for {LONGEST_JOB_SECONDS:g} s")
        if each.process_fault is None or each.process_fault.kind != "stopped":
            return
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended this very moment
            process = psutil.Process(each.process.pid)
            if process.status() != psutil.STATUS_STOPPED:
                return
            if each.stopped_at is None:
                each.stopped_at = now
                self.counts["stopped"] += 1
            elif now - each.stopped_at >= each.process_fault.seconds:
                process.resume()

    def _end(self, each: _AtWork) -> None:
        each.process.join()
        code = each.process.exitcode or 0
        outcome = OUTCOMES.get(code, f"failed with {code}")
        suffered = (
            f", {each.process_fault}" if each.process_fault and (code or each.stopped_at) else ""
        )
        twin = f", copy {each.copy + 1}" if each.copy else ""
        again = f", delivery {each.message.failures + 1}" if each.message.failures else ""
        self._trail(f"{each.message.name}{twin}{again}: {outcome}{suffered}")
        self.counts[outcome] += 1
        if code not in OUTCOMES or (code == -9 and each.process_fault is None):
            raise Broken(f"the worker of {each.message.name} {outcome}: see {self.setting.log}")
        if code == 0:
            each.message.acknowledged = True
        elif not each.message.acknowledged:
            self._failed(each.message, each.copy)

    def _failed(self, message: Message, copy: int) -> None:
        most = self.conduct.max_attempts
        message.failures += 1
        if most is None or message.function == "dead_letter" or message.failures < most:
            self._post(message, copy, self.conduct.pause(message))
        elif message.failures == most:
            self._trail(f"{message.name}: given up")
            self.counts["dead letters"] += 1
            self._subscriptions.bury(message)

    def with_setting(self, later: timedelta) -> None:
        """Let time pass for workers to come."""
        self.setting = replace(self.setting, later=later)
