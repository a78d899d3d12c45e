"""One simulated retailer: its account and its data, which is generated when first asked for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from threading import Lock
from typing import Any

from deploy.local.simulator.lightspeed.agenda import Agenda
from deploy.local.simulator.lightspeed.dataset import RetailerData
from deploy.local.simulator.lightspeed.rate_window import RateWindow
from deploy.local.simulator.lightspeed.seed.ecom import ShopOrder
from deploy.local.simulator.lightspeed.seed.sale import STATES
from deploy.local.simulator.lightspeed.spec import RetailerSpec
from deploy.local.simulator.lightspeed.tokens import RetailerTokens
from deploy.local.simulator.lightspeed.webhooks import Webhooks
from deploy.local.simulator.simulation import Machinery
from deploy.local.simulator.table import Record


class SimulatedRetailer:
    """``spec`` may be replaced while it runs. What changes its records here goes out by webhook, as
    at the real one."""

    def __init__(
        self,
        spec: RetailerSpec,
        today: date,
        agenda: Agenda,
        records: Mapping[str, Iterable[Record]] | None = None,
    ) -> None:
        self.spec = spec
        self.tokens = RetailerTokens()
        self.rate = RateWindow()
        self.webhooks = Webhooks(agenda)
        self._today = today
        self._agenda = agenda
        self._given = records or {}
        self._lock = Lock()
        self._data: RetailerData | None = None

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def data(self) -> RetailerData:
        """The retailer's records."""
        with self._lock:
            if self._data is None:
                self._data = RetailerData(self.spec, self._today)
                for kind, records in self._given.items():
                    self._data.table(kind).replace(records)
                self._let_arrive(self._data.late)
            return self._data

    def withdraw_tokens(self) -> None:
        """Every token issued so far is refused from now on."""
        self.tokens.withdraw(self.spec)

    def put(self, kind: str, record: Record) -> Record:
        """Add or replace a record; it is returned with its version."""
        return self._announced(kind, self.data.table(kind).put(record))

    def change(self, kind: str, record_id: str, fields: Mapping[str, Any]) -> Record:
        """Set some fields of a record. Raises KeyError without one."""
        return self._announced(kind, self.data.table(kind).change(record_id, fields))

    def set_status(self, sale_id: str, status: str) -> Record:
        """A sale comes into one of the fourteen states. Raises KeyError for an unknown one."""
        state, attributes = STATES[status]
        fields = {"status": status, "state": state, "attributes": attributes}
        return self.change("sales", sale_id, fields)

    def delete(self, kind: str, record_id: str) -> Record:
        """A record is deleted: its row stays, with the time. Raises KeyError without one."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return self.change(kind, record_id, {"deleted_at": now})

    def place(self, **changes: Any) -> ShopOrder:
        """A new order in the eCom shop. It arrives by itself where the spec says when."""
        order = self.data.place(**changes)
        self._let_arrive([order.number])
        return order

    def arrive(self, numbers: Iterable[int]) -> list[str]:
        """These eCom orders arrive, in this order; the ids of their sales. Raises KeyError for one
        that is not late."""
        sales: list[str] = []
        for number in numbers:
            for kind, record in self.data.arrive(number):
                self._announced(kind, record)
                sales += [record["id"]] if kind == "sales" else []
        return sales

    def location_documents(self, server_url: str) -> list[dict[str, Any]]:
        """``{"id", "document"}`` of each ``locations/{id}`` that points the org at an outlet."""
        spec = self.spec
        outlets = self.data.table("outlets")
        sign_in = (
            {
                "clientId": spec.client_id,
                "clientSecret": spec.client_secret,
                "refreshToken": f"secret:{spec.oauth_secret}",
            }
            if spec.oauth
            else {"token": spec.token}
        )
        return [
            {
                "id": f"{spec.id}-{number}",
                "document": {
                    "orgId": spec.org_id,
                    "name": outlet["name"],
                    "timezone": spec.timezone,
                    "posConfig": {
                        "provider": "lightspeed",
                        "status": "active",
                        "baseUrl": f"{server_url}/{spec.prefix}",
                        "domainPrefix": spec.prefix,
                        **sign_in,
                        "locationId": outlet["id"],
                    },
                },
            }
            for number, outlet in enumerate(outlets, start=1)
        ]

    def tenant_document(self) -> dict[str, Any]:
        """``{"id", "document"}`` of ``tenants/{orgId}``."""
        return {"id": self.spec.org_id, "document": {"name": self.spec.company}}

    def _announced(self, kind: str, record: Record) -> Record:
        self.webhooks.announce(self.spec, kind, record)
        return record

    def _let_arrive(self, numbers: Iterable[int]) -> None:
        """Each in its turn, the last of them when the spec's time has passed."""
        days = self.spec.arrival_days
        if days is None:
            return
        waiting: Sequence[int] = sorted(numbers)
        for position, number in enumerate(waiting, start=1):
            seconds = days * self.spec.day_seconds * position / len(waiting)
            self._agenda.add(seconds, partial(self._arrive_once, number))

    def _arrive_once(self, number: int) -> None:
        if number in self.data.late:
            self.arrive([number])


class LightspeedSimulation(Machinery):
    """The simulated retailers. ``today`` is the day all data is dated back from."""

    def __init__(self, specs: Iterable[RetailerSpec], today: date | None = None) -> None:
        super().__init__()
        self.today = today or datetime.now(UTC).date()
        self._agenda = Agenda(self.stopping)
        self._by_id: dict[str, SimulatedRetailer] = {}
        for spec in specs:
            self.add(spec)

    def __iter__(self) -> Iterator[SimulatedRetailer]:
        return iter(list(self._by_id.values()))

    def add(
        self, spec: RetailerSpec, records: Mapping[str, Iterable[Record]] | None = None
    ) -> SimulatedRetailer:
        """Take a retailer in, in place of one of the same id; a kind that is given holds exactly
        those records."""
        made = self._by_id[spec.id] = SimulatedRetailer(spec, self.today, self._agenda, records)
        return made

    def remove(self, retailer_id: str) -> None:
        """Take a retailer out, if there is one."""
        self._by_id.pop(retailer_id, None)

    def get(self, retailer_id: str) -> SimulatedRetailer:
        """A retailer by id. Raises KeyError without one."""
        return self._by_id[retailer_id]

    def with_prefix(self, prefix: str) -> SimulatedRetailer | None:
        """The retailer whose domain this is."""
        return next((each for each in self if each.spec.prefix == prefix), None)
