"""Loyalty runs of an org whose documents are in memory, with an account that has an hourly limit;
time passes only where the test says so."""

import operator
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from shared.bus.messages import Loyalty
from shared.domain.loyalty import ProviderAnswer, ProviderStatus
from shared.loyalty.port import UNKNOWN_CONTACT, LoyaltyProvider, ProviderSettings
from shared.services.alerts import Alerts
from shared.services.loyalty.reconcile import LoyaltyReconcile
from shared.store import loyalty_runs, paths
from shared.store.database import Conflict, Database, Document, Fields, Meter, Remove, Totals, Write
from shared.store.loyalty_runs import LoyaltyRun
from shared.store.spending import id_key
from shared.store.writes import Create, Update, outcome
from tests.fakes import RecordingLaterPublisher, RecordingNotifier, RecordingPublisher

ORG = "org_night"
OPERATOR = SecretStr("json://operators.example.com")
BEGAN = datetime(2026, 3, 18, 6, 0, tzinfo=UTC)
COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
    "in": lambda value, wanted: value in wanted,
}


class DictDatabase(Database):
    """A Firestore of plain dictionaries."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.meter = Meter()
        self.documents: dict[str, dict[str, Any]] = {}
        self.written: list[str] = []
        self._versions: dict[str, datetime] = {}
        self._commits = 0
        self._clock = clock
        self._lock = threading.Lock()

    def metered(self) -> "DictDatabase":
        return self

    def get(self, path: str) -> Document:
        return self.get_all([path])[path]

    def get_all(
        self, paths: Sequence[str], fields: Sequence[str] | None = None
    ) -> dict[str, Document]:
        self.meter.add(reads=len(paths))
        with self._lock:
            return {path: self._document(path, fields) for path in paths}

    def query(
        self, collection: str, *filters: Any, select: Sequence[str] | None = None, **_: Any
    ) -> Iterator[Document]:
        with self._lock:
            found = [self._document(path, select) for path in self._matching(collection, filters)]
        self.meter.add(reads=max(1, len(found)))
        return iter(found)

    def totals(self, collection: str, *filters: Any, **_: Any) -> Totals:
        with self._lock:
            return Totals(len(self._matching(collection, filters)), {})

    def commit(self, writes: Iterable[Write]) -> datetime | None:
        writes = list(writes)
        with self._lock:
            for write in writes:
                self._require(write)
            self._commits += 1
            version = BEGAN + timedelta(microseconds=self._commits)
            for write in writes:
                after = outcome(write, self.documents.get(write.path))
                self.documents.pop(write.path, None)
                if after is not None:
                    self.documents[write.path] = after
                    self._versions[write.path] = version
                self.written.append(write.path)
        self.meter.add(writes=sum(not isinstance(write, Remove) for write in writes))
        return version

    def _require(self, write: Write) -> None:
        stored = write.path in self.documents
        if (isinstance(write, Create) and stored) or (isinstance(write, Update) and not stored):
            raise Conflict(write.path)
        if isinstance(write, Update) and write.if_version not in (None, self._version(write.path)):
            raise Conflict(write.path)

    def _version(self, path: str) -> datetime:
        return self._versions.get(path, BEGAN)

    def _matching(self, collection: str, filters: Sequence[Any]) -> list[str]:
        return [
            path
            for path, fields in sorted(self.documents.items())
            if path.rpartition("/")[0] == collection
            and all(
                name in fields and COMPARED[how](fields[name], value)
                for name, how, value in filters
            )
        ]

    def _document(self, path: str, fields: Sequence[str] | None) -> Document:
        stored: Fields = self.documents.get(path, {})
        shown = {n: v for n, v in stored.items() if fields is None or n in fields}
        version = self._version(path) if path in self.documents else None
        return Document(path.rpartition("/")[2], shown, version, self._clock(), path)


class Night:
    """An org's loyalty runs. Every customer has a telephone, and is known at Alpine IQ with as many
    points as dollars spent."""

    def __init__(self, customers: int, *, per_hour: int | None) -> None:
        self.now = BEGAN - timedelta(days=1)
        self.database = DictDatabase(self.clock)
        self.calls: list[str] = []
        self.points: dict[str, int] = {}
        self.fails: Exception | None = None
        self.notifier = RecordingNotifier()
        self.continuations = RecordingPublisher()
        self.scheduled = RecordingLaterPublisher()
        limit = {"perSecond": None, "perMinute": None, "perHour": per_hour}
        account = {"userId": "4321", "apiKey": "a-key-of-nobody", "rateLimit": limit}
        self.database.documents[paths.tenant(ORG)] = {"alpineIq": account}
        for number in range(customers):
            self.add(str(number))
        self.now = BEGAN

    def clock(self) -> datetime:
        return self.now

    def add(self, customer_id: str) -> None:
        """One more customer, who spends 120 dollars."""
        number = 1_000_000 + int(customer_id)
        fields = {"id": customer_id, "phone": f"+1518{number}", "email": "no-email@alleaves.local"}
        self.database.documents[f"{paths.customers(ORG)}/{customer_id}"] = fields
        self.spend(customer_id, 120.0)
        self.points[f"+1518{number}"] = 120

    def spend(self, customer_id: str, dollars: float) -> None:
        """All that the customer has spent, in one order."""
        order = {"customerId": customer_id, "status": "completed", "type": "in_store"}
        spent = {"customerId": customer_id, "orgId": ORG, "updatedAt": self.now, "orderCount": 1}
        documents = self.database.documents
        documents[f"{paths.orders(ORG)}/o{customer_id}"] = {
            **order,
            "total": dollars,
            "createdAt": BEGAN,
        }
        documents[f"{paths.customer_spending(ORG)}/{id_key(customer_id)}"] = {
            **spent,
            "totalSpent": dollars,
        }

    def reconcile(self, run_id: str, *, window: timedelta, **fields: Any) -> LoyaltyRun:
        """One run with its continuations, each at its time."""
        due = [Loyalty(org_id=ORG, run_id=run_id, **fields)]
        while due:
            for message in due:
                self.service(window)(message, "message")
            due = [m for m in self.continuations.take() if isinstance(m, Loyalty)]
            later = [(at, m) for at, m in self.scheduled.scheduled if isinstance(m, Loyalty)]
            self.scheduled.scheduled.clear()
            for at, message in later:
                self.now = max(self.now, at)
                due.append(message)
        run = loyalty_runs.read(self.database, ORG, run_id)
        assert run is not None
        return run

    def service(self, window: timedelta) -> LoyaltyReconcile:
        alerts = Alerts(self.database, self.notifier, [OPERATOR], self.clock)
        return LoyaltyReconcile(
            database=self.database,
            open_provider=self._open,
            alerts=alerts,
            continuation=self.continuations,
            later=self.scheduled,
            clock=self.clock,
            seconds=60,
            window=window,
            lease_ttl=timedelta(minutes=5),
            sleep=lambda seconds: None,
        )

    def customer(self, customer_id: str) -> dict[str, Any]:
        """The customer's document."""
        return self.database.documents[f"{paths.customers(ORG)}/{customer_id}"]

    def _open(
        self, account: ProviderSettings, org_id: str, admit: Callable[[], None], deadline: datetime
    ) -> LoyaltyProvider:
        return _Provider(self, admit)


class _Provider:
    def __init__(self, night: Night, admit: Callable[[], None]) -> None:
        self._night = night
        self._admit = admit

    def look_up(self, phone: str | None, email: str | None) -> ProviderAnswer:
        self._admit()
        if self._night.fails:
            raise self._night.fails
        assert phone is not None
        self._night.calls.append(phone)
        points = self._night.points.get(phone)
        if points is None:
            return UNKNOWN_CONTACT
        return ProviderAnswer(ProviderStatus.FOUND, points, phone[-4:])
