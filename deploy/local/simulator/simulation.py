"""What routes share: the faults asked for and the counts; the orgs of a POS and their tokens."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from threading import Event

from deploy.local.simulator.auth import Tokens
from deploy.local.simulator.fault_schedule import FaultSchedule
from deploy.local.simulator.org import Orgs
from deploy.local.simulator.request_log import RequestLog
from deploy.local.simulator.spec import OrgSpec


class Machinery:
    """What every simulated service has. ``stopping`` ends every wait when the server closes."""

    def __init__(self) -> None:
        self.faults = FaultSchedule()
        self.requests = RequestLog()
        self.stopping = Event()


class Simulation(Machinery):
    """One simulated POS. ``today`` is the day all data is dated back from."""

    def __init__(self, specs: Iterable[OrgSpec], today: date | None = None) -> None:
        super().__init__()
        self.today = today or datetime.now(UTC).date()
        self.orgs = Orgs(specs, self.today)
        self.tokens = Tokens(self.orgs)
