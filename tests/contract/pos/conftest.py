"""A simulated Alleaves on a real port, and clients of it."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from deploy.local.simulator.fault import read_fault
from deploy.local.simulator.org import Org
from deploy.local.simulator.server import Server, serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec
from shared.clock import utc_now
from shared.domain.order_windows import DateWindow
from shared.outbound.credentials import TokenCache
from shared.outbound.session import HttpSession, HttpSettings
from shared.pos.config import Location
from shared.pos.paging import PageSettings
from shared.pos.port import PosClient
from shared.pos.registry import open_account

EVER = DateWindow(date(2020, 1, 1), date(2030, 12, 31))
_SIZES = {"customers": 640, "orders": 750, "products": 40, "rows": 45}
_SPECS = (
    OrgSpec(id="org_search", pin="4821", seed=1, **_SIZES),
    OrgSpec(id="org_rest", api_style="rest", seed=2, api_key="k3y-of-nobody", **_SIZES),
    OrgSpec(id="org_rooms", api_style="rest", seed=5, locations=2, **_SIZES),
    OrgSpec(id="org_limited_search", page_limit=50, seed=3, **_SIZES),
    OrgSpec(id="org_limited_rest", page_limit=50, api_style="rest", seed=4, **_SIZES),
)


class Pos:
    """The simulator, and what a test wants of it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.http = HttpSession(
            HttpSettings(attempts=3, backoff_seconds=0.01, read_seconds=1.0, total_seconds=5.0)
        )
        self.tokens = TokenCache(utc_now)
        self.paging = PageSettings()

    @property
    def host(self) -> str:
        return self._server.url.removeprefix("http://")

    def org(self, org_id: str) -> Org:
        return self._server.simulation.orgs.get(org_id)

    def client(self, org_id: str, name: str = "", **pos_config: Any) -> PosClient:
        """A client of the org's first location, its settings changed where given."""
        found, *_ = self.org(org_id).location_documents(self._server.url)
        document = found["document"]
        document |= {"id": found["id"], "name": name}
        document["posConfig"] |= pos_config
        location = Location.model_validate(document)
        return open_account(location, self.http, self.tokens, utc_now, self.paging).client

    def fault(self, kind: str, **parameters: Any) -> None:
        """Ask for a fault from now on."""
        self._server.simulation.faults.add(read_fault.validate_python({"kind": kind, **parameters}))

    def calls(self, org_id: str, endpoint: str) -> int:
        """Calls of an org to an endpoint so far."""
        orgs = self._server.simulation.requests.state()["orgs"]
        return int(orgs.get(org_id, {}).get("calls", {}).get(endpoint, 0))


@pytest.fixture
def pos() -> Iterator[Pos]:
    with serve(Simulation(_SPECS, date(2026, 3, 18))) as server:
        pos = Pos(server)
        yield pos
        pos.http.close()
