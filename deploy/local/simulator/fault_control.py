"""Control routes that every simulated service has under ``/control``: its faults and its counts."""

from typing import Any

from flask import Blueprint, Response, request
from pydantic import ValidationError

from deploy.local.simulator.call import machinery
from deploy.local.simulator.fault import read_fault
from deploy.local.simulator.fault_replies import error_reply, json_reply
from deploy.local.simulator.table import encode

fault_control = Blueprint("fault_control", __name__, url_prefix="/control")


@fault_control.errorhandler(ValidationError)
def _not_valid(error: ValidationError) -> Response:
    return error_reply(400, str(error))


@fault_control.get("/faults")
def list_faults() -> Response:
    """The faults asked for, with how often each struck."""
    return _reply(machinery().faults.state())


@fault_control.post("/faults")
def add_fault() -> Response:
    """Ask for one fault, or a list of them."""
    body = request.get_json()
    faults = [read_fault.validate_python(f) for f in (body if isinstance(body, list) else [body])]
    return _reply({"ids": [machinery().faults.add(fault) for fault in faults]}, 201)


@fault_control.delete("/faults", defaults={"number": None})
@fault_control.delete("/faults/<int:number>")
def clear_faults(number: int | None) -> Response:
    """Take back one fault, or all."""
    machinery().faults.clear(number)
    return _reply({})


@fault_control.get("/requests")
def request_counts() -> Response:
    """Calls per org and endpoint since the start, or since they were last cleared."""
    return _reply(machinery().requests.state())


@fault_control.delete("/requests")
def clear_request_counts() -> Response:
    """Count from nothing."""
    machinery().requests.clear()
    return _reply({})


def _reply(body: Any, status: int = 200) -> Response:
    return json_reply(encode(body), status)
