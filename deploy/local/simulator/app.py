"""The Flask application of the simulated POS."""

from copy import copy
from functools import cache

from flask import Flask

from deploy.local.simulator.alpine.api import alpine
from deploy.local.simulator.alpine.control import alpine_control
from deploy.local.simulator.api import api
from deploy.local.simulator.call import attach
from deploy.local.simulator.control import control
from deploy.local.simulator.fault_control import fault_control
from deploy.local.simulator.simulation import Simulation


def create_app(simulation: Simulation) -> Flask:
    """An application that serves ``simulation``: the POS under ``/api``, Alpine IQ under
    ``/alpine``, and ``/control``."""
    app = copy(_routes())
    app.extensions = {}
    attach(app, simulation)
    return app


@cache
def _routes() -> Flask:
    """Without a simulation: to compile the routes takes long."""
    app = Flask("pos-simulator")
    app.register_blueprint(api)
    app.register_blueprint(control)
    app.register_blueprint(fault_control)
    app.register_blueprint(alpine)
    app.register_blueprint(alpine_control)
    return app
