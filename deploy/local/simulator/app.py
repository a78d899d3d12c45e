"""The Flask application of the simulated POS."""

from flask import Flask

from deploy.local.simulator.api import api
from deploy.local.simulator.call import attach
from deploy.local.simulator.control import control
from deploy.local.simulator.simulation import Simulation


def create_app(simulation: Simulation) -> Flask:
    """An application that serves ``simulation`` under ``/api`` and ``/control``."""
    app = Flask("pos-simulator")
    attach(app, simulation)
    app.register_blueprint(api)
    app.register_blueprint(control)
    return app
