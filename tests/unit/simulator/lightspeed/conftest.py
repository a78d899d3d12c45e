"""A simulated retailer without a socket."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from deploy.local.simulator.lightspeed.retailer import LightspeedSimulation, SimulatedRetailer
from deploy.local.simulator.lightspeed.server import create_lightspeed
from deploy.local.simulator.lightspeed.spec import named_retailers
from tests.unit.simulator.conftest import TODAY, Reply, read


class RetailClient:
    """A caller of one retailer with its personal token, and the control routes."""

    def __init__(self, client: FlaskClient, retailer: SimulatedRetailer) -> None:
        self.client = client
        self.retailer = retailer
        self.token = retailer.spec.token

    def call(self, method: str, path: str, **options: Any) -> Reply:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"/{self.retailer.spec.prefix}/api/{path}"
        return read(self.client.open(url, method=method, headers=headers, **options))

    def get(self, path: str, **query: object) -> Reply:
        return self.call("GET", f"2.0/{path}", query_string=query)

    def all(self, path: str, size: int = 200, **query: object) -> list[dict[str, Any]]:
        """A list to its end, as its documentation says."""
        rows: list[dict[str, Any]] = []
        after = 0
        while True:
            reply = self.get(path, after=after, page_size=size, **query).json
            if not reply["data"]:
                return rows
            rows += reply["data"]
            after = reply["version"]["max"]

    def grant(self, **form: str) -> Reply:
        spec = self.retailer.spec
        app = {"client_id": spec.client_id, "client_secret": spec.client_secret}
        return self.call("POST", "1.0/token", data={**app, **form})

    def control(self, method: str, path: str, body: Any = None) -> Any:
        url = f"/control/orgs/{self.retailer.id}{path}"
        reply = self.client.open(url, method=method, json=body)
        assert reply.status_code < 300, reply.text
        return reply.get_json(silent=True)


@pytest.fixture
def cove() -> RetailClient:
    """320 customers, 1,100 sales, 150 eCom orders of which 50 are late."""
    simulation = LightspeedSimulation(named_retailers(seed=1), TODAY)
    client = create_lightspeed(simulation).test_client()
    return RetailClient(client, simulation.get("org_cove"))
