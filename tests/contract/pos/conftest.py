"""Simulated POS systems on real ports, and clients of them.

A promise of the port is tested on all of ACCOUNTS; what only one provider has, on its own.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import pytest

from deploy.local.simulator.fault import read_fault
from deploy.local.simulator.lightspeed.retailer import LightspeedSimulation, SimulatedRetailer
from deploy.local.simulator.lightspeed.server import LightspeedServer
from deploy.local.simulator.lightspeed.spec import RetailerSpec
from deploy.local.simulator.org import Org
from deploy.local.simulator.server import Server, serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec
from shared.clock import utc_now
from shared.domain.order_windows import DateWindow
from shared.outbound.credentials import TokenCache
from shared.outbound.destinations import Destinations
from shared.outbound.rotating import RotatingSecrets
from shared.outbound.session import HttpSession, HttpSettings
from shared.pos.config import Location
from shared.pos.paging import PageSettings
from shared.pos.port import PosClient
from shared.pos.registry import open_account

EVER = DateWindow(date(2020, 1, 1), date(2030, 12, 31))
TODAY = date(2026, 3, 18)
_SIZES = {"customers": 640, "orders": 750, "products": 40, "rows": 45}
_SPECS = (
    OrgSpec(id="org_search", pin="4821", seed=1, **_SIZES),
    OrgSpec(id="org_rest", api_style="rest", seed=2, api_key="k3y-of-nobody", **_SIZES),
    OrgSpec(id="org_rooms", api_style="rest", seed=5, locations=2, **_SIZES),
    OrgSpec(id="org_limited_search", page_limit=50, seed=3, **_SIZES),
    OrgSpec(id="org_limited_rest", page_limit=50, api_style="rest", seed=4, **_SIZES),
)
_RETAIL = {"customers": 640, "sales": 753, "ecom_orders": 90, "late": 30, "products": 40}
_RETAILERS = (
    RetailerSpec(id="org_retail", seed=1, **_RETAIL),
    RetailerSpec(id="org_limited_retail", page_limit=50, seed=2, **_RETAIL),
    RetailerSpec(id="org_consented", oauth=True, seed=3, **_RETAIL),
)
ACCOUNTS = pytest.mark.parametrize(
    "org_id", ["org_search", "org_rest", "org_retail", "org_consented"]
)
LIMITED = pytest.mark.parametrize(
    "org_id", ["org_limited_search", "org_limited_rest", "org_limited_retail"]
)


class Held(NamedTuple):
    """The ids of what a POS lists, in the order in which it does."""

    customers: list[str]
    orders: list[str]


class Pos:
    """The simulators, and what a test wants of them."""

    def __init__(self, server: Server, lightspeed: LightspeedServer) -> None:
        self._server = server
        self._lightspeed = lightspeed
        self.http = HttpSession(
            HttpSettings(attempts=3, backoff_seconds=0.01, read_seconds=1.0, total_seconds=5.0),
            Destinations(loopback=True),
        )
        self.tokens = TokenCache(utc_now)
        self.paging = PageSettings()
        self.kept: dict[str, str] = {}
        """The newest version of each secret that is replaced."""
        for each in lightspeed.simulation:
            self.kept[f"projects/p/secrets/{each.spec.oauth_secret}"] = each.spec.refresh_token

    @property
    def host(self) -> str:
        return self.host_of("org_search")

    def host_of(self, org_id: str) -> str:
        """Where the POS of an org is, as messages name it."""
        server = self._lightspeed if self._is_retailer(org_id) else self._server
        return server.url.removeprefix("http://")

    def org(self, org_id: str) -> Org:
        return self._server.simulation.orgs.get(org_id)

    def retailer(self, org_id: str) -> SimulatedRetailer:
        return self._lightspeed.simulation.get(org_id)

    def held(self, org_id: str) -> Held:
        """What the org's POS lists; deleted records it does not."""
        if not self._is_retailer(org_id):
            dataset = self.org(org_id).dataset
            return Held(
                [str(row["id_customer"]) for row in dataset.customers],
                [str(row["id_order"]) for row in dataset.orders],
            )
        tables = self.retailer(org_id).data.tables
        customers, orders = (
            [str(row["id"]) for row in tables[kind] if not row["deleted_at"]]
            for kind in ("customers", "sales")
        )
        return Held(customers, orders)

    def client(self, org_id: str, name: str = "", **pos_config: Any) -> PosClient:
        """A client of the org's first location, its settings changed where given. A page has 100
        rows."""
        if self._is_retailer(org_id):
            found = self.retailer(org_id).location_documents(self._lightspeed.url)[0]
            pos_config.setdefault("pageSize", self.paging.size)
        else:
            found = self.org(org_id).location_documents(self._server.url)[0]
        document = found["document"]
        document |= {"id": found["id"], "name": name}
        document["posConfig"] |= pos_config
        location = Location.model_validate(document)
        secrets = RotatingSecrets(self._read, self.kept.__setitem__, "p")
        account = open_account(
            location, self.http, self.tokens, utc_now, self.paging, secrets=secrets
        )
        return account.client

    def fault(self, kind: str, **parameters: Any) -> None:
        """Ask for a fault from now on."""
        for service in (self._server.simulation, self._lightspeed.simulation):
            service.faults.add(read_fault.validate_python({"kind": kind, **parameters}))

    def calls(self, org_id: str, endpoint: str) -> int:
        """Calls of an org to an endpoint so far."""
        services = (self._server.simulation, self._lightspeed.simulation)
        states = (service.requests.state()["orgs"].get(org_id, {}) for service in services)
        return sum(state.get("calls", {}).get(endpoint, 0) for state in states)

    def _read(self, version: str) -> str:
        return self.kept[version.removesuffix("/versions/latest")]

    def _is_retailer(self, org_id: str) -> bool:
        return any(each.id == org_id for each in self._lightspeed.simulation)


@pytest.fixture
def pos() -> Iterator[Pos]:
    with (
        serve(Simulation(_SPECS, TODAY)) as server,
        LightspeedServer(LightspeedSimulation(_RETAILERS, TODAY)) as lightspeed,
    ):
        pos = Pos(server, lightspeed)
        yield pos
        pos.http.close()
