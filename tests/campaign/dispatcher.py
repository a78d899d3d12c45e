"""Delivers messages to workers and sees to what becomes of both."""

import contextlib
import heapq
import itertools
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import wait
from pathlib import Path

import psutil

from tests.campaign import worker
from tests.campaign.chaos import LATE_SECONDS, Calm
from tests.campaign.process_fault import ProcessFault
from tests.campaign.scale import Scale
from tests.campaign.subscriptions import Message, PullSubscriptions
from tests.campaign.worker import Job, Setup, Worker

AT_ONCE = 4
LOOK_SECONDS = 0.02
LONGEST_WAIT_SECONDS = 0.2
LONGEST_JOB_SECONDS = 90.0

OUTCOMES = {
    0: "done",
    worker.POSTPONED: "postponed",
    worker.LEASE_LOST: "lease lost",
    worker.FIRESTORE_FAILED: "failed with Firestore",
    None: "killed",
}
Trail = Callable[[str], None]


class Broken(Exception):
    """Something happened that no fault explains, or the world did not come to rest."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What all workers have in common for a time. ``firestore_fails``: so that a delivery may."""

    environment: Mapping[str, Mapping[str, str]]
    log: Path
    later: timedelta
    scale: Scale | None
    firestore_fails: bool = False


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    message: Message = field(compare=False)
    copy: int = field(compare=False)
    late: bool = field(compare=False)


@dataclass(slots=True)
class _AtWork:
    worker: Worker
    message: Message
    copy: int
    process_fault: ProcessFault | None
    started: float
    firestore_fails: bool
    stopped_at: float | None = None


class Dispatcher:
    """Deliveries of one project. ``conduct`` and ``setting`` may be exchanged between them."""

    def __init__(
        self, subscriptions: PullSubscriptions, setting: Setting, conduct: Calm, trail: Trail
    ) -> None:
        self._setting = setting
        self.conduct = conduct
        self.counts: Counter[str] = Counter()
        self._subscriptions = subscriptions
        self._trail = trail
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._at_work: list[_AtWork] = []
        self._idle: defaultdict[str, list[Worker]] = defaultdict(list)
        self._marked = False

    @property
    def setting(self) -> Setting:
        """That of workers to come."""
        return self._setting

    @setting.setter
    def setting(self, setting: Setting) -> None:
        self._setting = setting
        for each in self._at_work:
            each.firestore_fails |= setting.firestore_fails

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
                names = [each.message.name for each in self._at_work]
                names += [due.message.name for due in self._due]
                raise Broken(f"no rest after {limit:g} s: {', '.join(names[:10])}")
            left = math.inf if seconds is None else seconds - elapsed
            self._step(min(left, LONGEST_WAIT_SECONDS))

    def close(self) -> None:
        """End what is left."""
        for each in self._at_work:
            each.worker.end()
        self._end_idle()
        self._subscriptions.close()

    def _step(self, most: float) -> None:
        """Do what is to be done now, or wait for it, ``most`` seconds."""
        self._pull()
        while self._due and self._is_next(self._due[0]) and len(self._at_work) < AT_ONCE:
            self._start(heapq.heappop(self._due))
        connections = [each.worker.connection for each in self._at_work]
        over = wait([*connections, self._subscriptions.arrived], self._patience(most))
        for each in list(self._at_work):
            if each.worker.connection not in over:
                self._look_after(each)
            else:
                self._at_work.remove(each)
                self._end(each)

    def _is_next(self, due: _Due) -> bool:
        """Whether it is to be delivered: one that comes when all seems over waits no longer than
        for that."""
        seems_over = not self._at_work and self._marked and self._subscriptions.markers_are_back
        return due.at <= time.monotonic() or (due.late and seems_over)

    def _patience(self, most: float) -> float:
        """Seconds in which nothing is to be done unless something happens."""
        if any(each.process_fault for each in self._at_work):
            return min(LOOK_SECONDS, most)
        if not self._due or len(self._at_work) == AT_ONCE:
            return most
        return min(max(self._due[0].at - time.monotonic(), 0.0), most)

    def _pull(self) -> None:
        for message in self._subscriptions.pull():
            delays = self.conduct.delays(message)
            self.counts["messages"] += 1
            self.counts["twins"] += len(delays) - 1
            for copy, delay in enumerate(delays):
                self._post(message, copy, delay, late=delay >= LATE_SECONDS)
        if self._at_work or not all(due.late for due in self._due):
            self._marked = False
        elif not self._marked:
            self._subscriptions.send_markers()
            self._marked = True

    def _post(self, message: Message, copy: int, delay: float, *, late: bool = False) -> None:
        due = _Due(time.monotonic() + delay, next(self._order), message, copy, late)
        heapq.heappush(self._due, due)

    def _start(self, due: _Due) -> None:
        message, setting = due.message, self.setting
        fault = self.conduct.process_fault(message, due.copy)
        setup = Setup(
            message.function, setting.environment[message.function], setting.log, setting.scale
        )
        instance = self._instance(setup)
        instance.begin(Job(message.event, setting.later, fault))
        self.counts["deliveries"] += 1
        self._marked = False
        self._at_work.append(
            _AtWork(instance, message, due.copy, fault, time.monotonic(), setting.firestore_fails)
        )

    def _instance(self, setup: Setup) -> Worker:
        """An idle instance of the function, or a new one."""
        idle = self._idle[setup.function]
        while idle:
            instance = idle.pop()
            if instance.setup == setup:
                return instance
            instance.end()
        return Worker(setup)

    def _end_idle(self) -> None:
        for idle in self._idle.values():
            while idle:
                idle.pop().end()

    def _look_after(self, each: _AtWork) -> None:
        """Wake a stopped worker when its time has come."""
        now = time.monotonic()
        if now - each.started > LONGEST_JOB_SECONDS:
            raise Broken(f"{each.message.name} is at work for {LONGEST_JOB_SECONDS:g} s")
        if each.process_fault is None or each.process_fault.kind != "stopped":
            return
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended this very moment
            process = psutil.Process(each.worker.pid)
            if process.status() != psutil.STATUS_STOPPED:
                return
            if each.stopped_at is None:
                each.stopped_at = now
                self.counts["stopped"] += 1
            elif now - each.stopped_at >= each.process_fault.seconds:
                process.resume()

    def _end(self, each: _AtWork) -> None:
        code = each.worker.result()
        if code is None or self.conduct.is_last(each.message, each.copy):
            each.worker.end()
        else:
            self._idle[each.message.function].append(each.worker)
        outcome = OUTCOMES.get(code, f"failed with {code}")
        struck = each.process_fault and (code != 0 or each.stopped_at)
        suffered = f", {each.process_fault}" if struck else ""
        twin = f", copy {each.copy + 1}" if each.copy else ""
        again = f", delivery {each.message.failures + 1}" if each.message.failures else ""
        self._trail(f"{each.message.name}{twin}{again}: {outcome}{suffered}")
        self.counts[outcome] += 1
        unexpected = code not in OUTCOMES and not each.message.hostile
        unexpected |= code == worker.FIRESTORE_FAILED and not each.firestore_fails
        if unexpected or (code is None and each.process_fault is None):
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
