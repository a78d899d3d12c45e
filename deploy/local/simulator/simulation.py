"""What the routes share: the orgs, their tokens, the faults asked for, the counts."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from threading import Event

from deploy.local.simulator.auth import Tokens
from deploy.local.simulator.fault_schedule import FaultSchedule
from deploy.local.simulator.org import Orgs
from deploy.local.simulator.request_log import RequestLog
from deploy.local.simulator.spec import OrgSpec


class Simulation:
    """One simulated POS. ``today`` is the day all data is dated back from; ``stopping`` ends
    every wait when the server closes."""

    def __init__(self, specs: Iterable[OrgSpec], today: date | None = None) -> None:
        self.today = today or datetime.now(UTC).date()
        self.orgs = Orgs(specs, self.today)
        self.tokens = Tokens(self.orgs)
        self.faults = FaultSchedule()
        self.requests = RequestLog()
        self.stopping = Event()
