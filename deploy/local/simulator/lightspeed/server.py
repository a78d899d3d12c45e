"""The simulated X-Series on a port of its own, in a thread of the calling process."""

from copy import copy
from functools import cache
from typing import Any

from flask import Flask

from deploy.local.simulator.call import attach
from deploy.local.simulator.fault_control import fault_control
from deploy.local.simulator.lightspeed.account_api import account_api
from deploy.local.simulator.lightspeed.api import records_api
from deploy.local.simulator.lightspeed.control import lightspeed_control
from deploy.local.simulator.lightspeed.retailer import LightspeedSimulation
from deploy.local.simulator.server import HttpServer


def create_lightspeed(simulation: LightspeedSimulation) -> Flask:
    """An application that serves ``simulation``: each retailer under ``/{domain prefix}/api``, and
    ``/control``."""
    app = copy(_routes())
    app.extensions = {}
    attach(app, simulation)
    return app


@cache
def _routes() -> Flask:
    """Without a simulation: to compile the routes takes long."""
    app = Flask("lightspeed-simulator")
    app.register_blueprint(records_api)
    app.register_blueprint(account_api)
    app.register_blueprint(lightspeed_control)
    app.register_blueprint(fault_control)
    return app


class LightspeedServer(HttpServer):
    """The simulated X-Series; a retailer's base URL is ``{url}/{domain prefix}``."""

    def __init__(self, simulation: LightspeedSimulation, port: int = 0) -> None:
        self.simulation = simulation
        super().__init__(create_lightspeed(simulation), simulation.stopping, port)

    def locations(self) -> list[dict[str, Any]]:
        """``{"id", "document"}`` of every ``locations/{id}`` that points an org at this server."""
        return [d for each in self.simulation for d in each.location_documents(self.url)]
