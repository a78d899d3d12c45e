"""A simulated POS without a socket."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from deploy.local.simulator.app import create_app
from deploy.local.simulator.org import Org
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import named_orgs

TODAY = date(2026, 3, 18)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``json`` is None where the body is no JSON."""

    status_code: int
    headers: Headers
    data: bytes
    json: Any


def read(reply: TestResponse) -> Reply:
    return Reply(reply.status_code, reply.headers, reply.data, reply.get_json(silent=True))


class SimulatorClient:
    """A signed-in caller of one org, and the control routes."""

    def __init__(self, client: FlaskClient, org: Org) -> None:
        self.client = client
        self.org = org
        self.headers: dict[str, str] = {}

    def sign_in(self) -> Reply:
        spec = self.org.spec
        body = {"username": spec.user, "password": spec.secret, "pin": spec.pin or ""}
        reply = self.post("/auth", **body)
        if reply.status_code == 200:
            self.headers = {"Authorization": f"Bearer {reply.json['token']}"}
        return reply

    def get(self, path: str, **query: object) -> Reply:
        return read(self.client.get(f"/api{path}", query_string=query, headers=self.headers))

    def post(self, path: str, **body: object) -> Reply:
        return read(self.client.post(f"/api{path}", json=body, headers=self.headers))

    def fault(self, kind: str, **parameters: object) -> None:
        body = {"kind": kind, **parameters}
        assert self.client.post("/control/faults", json=body).status_code == 201

    def control(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.client.open(f"/control{path}", method=method, json=body)
        assert reply.status_code < 300, reply.text
        return reply.json


@pytest.fixture
def sign_in() -> Callable[[str], SimulatorClient]:
    """Signs in to one of the named orgs of a fresh simulation."""
    simulation = Simulation(named_orgs(seed=1), TODAY)
    client = create_app(simulation).test_client()

    def signed_in(org_id: str) -> SimulatorClient:
        pos = SimulatorClient(client, simulation.orgs.get(org_id))
        pos.sign_in()
        return pos

    return signed_in


@pytest.fixture
def harbor(sign_in: Callable[[str], SimulatorClient]) -> SimulatorClient:
    """A small org of the search style: 140 customers, 190 orders, 66 stock rows."""
    return sign_in("org_harbor")


@pytest.fixture
def fern(sign_in: Callable[[str], SimulatorClient]) -> SimulatorClient:
    """A small org of the rest style: 75 customers, 110 orders."""
    return sign_in("org_fern")
