"""Routes for tests and demos under ``/control``: look at the truth, change it, let eCom orders
arrive, send webhooks again."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, request
from pydantic import ValidationError

from deploy.local.simulator.fault_replies import error_reply, json_reply
from deploy.local.simulator.lightspeed.call import simulation
from deploy.local.simulator.lightspeed.dataset import KINDS
from deploy.local.simulator.lightspeed.retailer import SimulatedRetailer
from deploy.local.simulator.lightspeed.spec import RetailerSpec
from deploy.local.simulator.lightspeed.webhooks import AlreadyRegistered, NotValid
from deploy.local.simulator.table import encode

lightspeed_control = Blueprint("lightspeed_control", __name__, url_prefix="/control")
_KIND = f"<any({','.join(KINDS)}):kind>"


@lightspeed_control.errorhandler(KeyError)
def _unknown(error: KeyError) -> Response:
    return error_reply(404, f"unknown: {error.args[0] if error.args else ''}")


@lightspeed_control.errorhandler(ValidationError)
@lightspeed_control.errorhandler(NotValid)
@lightspeed_control.errorhandler(AlreadyRegistered)
def _not_valid(error: Exception) -> Response:
    return error_reply(400, str(error))


@lightspeed_control.get("/orgs")
def list_retailers() -> Response:
    """Every retailer with its account."""
    return _reply([_account(each) for each in simulation()])


@lightspeed_control.post("/orgs")
def create_retailer() -> Response:
    """A retailer of given sizes and seed; of a kind that is given as a list, those records."""
    body: dict[str, Any] = request.get_json()
    given = {kind: body.pop(kind) for kind in KINDS if isinstance(body.get(kind), list)}
    made = simulation().add(RetailerSpec.model_validate(body), given)
    return _reply(_account(made), 201)


@lightspeed_control.get("/orgs/<retailer_id>")
def get_account(retailer_id: str) -> Response:
    """One retailer with its account."""
    return _reply(_account(_retailer(retailer_id)))


@lightspeed_control.patch("/orgs/<retailer_id>")
def change_account(retailer_id: str) -> Response:
    """Change a retailer's account: ``personalToken``, ``daySeconds``, ``rateWindowSeconds``, …"""
    found = _retailer(retailer_id)
    fields = {**found.spec.model_dump(by_alias=True), **request.get_json(), "id": retailer_id}
    found.spec = RetailerSpec.model_validate(fields)
    return _reply(_account(found))


@lightspeed_control.delete("/orgs/<retailer_id>")
def remove_retailer(retailer_id: str) -> Response:
    """Take a retailer out."""
    simulation().remove(retailer_id)
    return _reply({})


@lightspeed_control.post("/orgs/<retailer_id>/withdraw-tokens")
def withdraw_tokens(retailer_id: str) -> Response:
    """Every token given out so far is refused from now on."""
    _retailer(retailer_id).withdraw_tokens()
    return _reply({})


@lightspeed_control.get("/orgs/<retailer_id>/data")
def data(retailer_id: str) -> Response:
    """The truth: all records by kind, and the rows of the eCom export as ``ecom``."""
    found = _retailer(retailer_id).data
    header, *lines = found.export()
    kinds = {kind: list(found.table(kind)) for kind in KINDS}
    return _reply({**kinds, "ecom": [dict(zip(header, line, strict=True)) for line in lines]})


@lightspeed_control.post(f"/orgs/<retailer_id>/{_KIND}")
def put_record(retailer_id: str, kind: str) -> Response:
    """Add one record, or replace the one of the same id."""
    return _reply(_retailer(retailer_id).put(kind, request.get_json()), 201)


@lightspeed_control.get(f"/orgs/<retailer_id>/{_KIND}/<record_id>")
def get_record(retailer_id: str, kind: str, record_id: str) -> Response:
    """One record."""
    return _reply(_retailer(retailer_id).data.table(kind).get(record_id))


@lightspeed_control.patch(f"/orgs/<retailer_id>/{_KIND}/<record_id>")
def change_record(retailer_id: str, kind: str, record_id: str) -> Response:
    """Set some fields of one record."""
    return _reply(_retailer(retailer_id).change(kind, record_id, request.get_json()))


@lightspeed_control.delete(f"/orgs/<retailer_id>/{_KIND}/<record_id>")
def delete_record(retailer_id: str, kind: str, record_id: str) -> Response:
    """Delete one record; ``?trace=no`` takes it out as if it had never been."""
    found = _retailer(retailer_id)
    if request.args.get("trace") == "no":
        found.data.table(kind).remove(record_id)
        return _reply({})
    return _reply(found.delete(kind, record_id))


@lightspeed_control.post("/orgs/<retailer_id>/sales/<sale_id>/status")
def set_status(retailer_id: str, sale_id: str) -> Response:
    """A sale comes into another of the fourteen states: ``{"status": "VOIDED"}``."""
    return _reply(_retailer(retailer_id).set_status(sale_id, request.get_json()["status"]))


@lightspeed_control.get("/orgs/<retailer_id>/ecom")
def list_ecom(retailer_id: str) -> Response:
    """The eCom orders: number, the id of the sale, whether it has not arrived."""
    found = _retailer(retailer_id).data
    return _reply(
        [
            {"number": number, "saleId": order.sale_id, "late": number in found.late}
            for number, order in found.ecom.items()
        ]
    )


@lightspeed_control.post("/orgs/<retailer_id>/ecom")
def place_ecom(retailer_id: str) -> Response:
    """Somebody orders in the eCom shop."""
    order = _retailer(retailer_id).place()
    return _reply({"number": order.number, "saleId": order.sale_id, "late": True}, 201)


@lightspeed_control.post("/orgs/<retailer_id>/ecom/arrivals")
def let_arrive(retailer_id: str) -> Response:
    """Late eCom orders arrive: ``{"numbers": […]}``, or ``{"count": n}``, the oldest first; or all.
    The ids of their sales."""
    found = _retailer(retailer_id)
    asked = request.get_json(silent=True) or {}
    late = sorted(found.data.late)
    return _reply({"sales": found.arrive(asked.get("numbers", late[: asked.get("count")]))})


@lightspeed_control.get("/orgs/<retailer_id>/ecom_orders_export.csv")
def export(retailer_id: str) -> Response:
    """The eCom order export as it would be made now."""
    rows = _retailer(retailer_id).data.export()
    return Response(_csv(rows), mimetype="text/csv")


@lightspeed_control.get("/orgs/<retailer_id>/webhooks")
def list_webhooks(retailer_id: str) -> Response:
    """Those registered, in whatever way."""
    found = _retailer(retailer_id)
    return _reply([each.row(found.spec.retailer_id) for each in found.webhooks.all()])


@lightspeed_control.post("/orgs/<retailer_id>/webhooks")
def register_by_hand(retailer_id: str) -> Response:
    """Register ``{"type", "url"}`` as the owner does by hand: its deliveries are not signed."""
    body, found = request.get_json(), _retailer(retailer_id)
    made = found.webhooks.add(body.get("type"), body.get("url"), active=True, signed=False)
    return _reply(made.row(found.spec.retailer_id), 201)


@lightspeed_control.post("/orgs/<retailer_id>/announcements")
def announce(retailer_id: str) -> Response:
    """Send the webhooks of a record once more: ``{"kind": "sales", "id": …}``."""
    body, found = request.get_json(), _retailer(retailer_id)
    record = found.data.table(body["kind"]).get(body["id"])
    return _reply({"webhooks": found.webhooks.announce(found.spec, body["kind"], record)})


@lightspeed_control.get("/orgs/<retailer_id>/deliveries")
def list_deliveries(retailer_id: str) -> Response:
    """The attempts to deliver webhooks so far, oldest first."""
    return _reply(_retailer(retailer_id).webhooks.deliveries())


@lightspeed_control.get("/tenants")
def tenant_documents() -> Response:
    """The ``tenants/{orgId}`` documents of the orgs that have their retailer alone."""
    return _reply([each.tenant_document() for each in simulation() if not each.spec.org])


@lightspeed_control.get("/locations")
def location_documents() -> Response:
    """The ``locations/{id}`` documents that point every org at this server."""
    base_url = request.host_url.rstrip("/")
    return _reply([found for each in simulation() for found in each.location_documents(base_url)])


def _retailer(retailer_id: str) -> SimulatedRetailer:
    return simulation().get(retailer_id)


def _account(found: SimulatedRetailer) -> dict[str, Any]:
    spec = found.spec
    return {
        **spec.model_dump(by_alias=True),
        "org": spec.org_id,
        "prefix": spec.prefix,
        "company": spec.company,
        "retailerId": spec.retailer_id,
        "token": spec.token,
        "clientId": spec.client_id,
        "clientSecret": spec.client_secret,
        "code": spec.code,
        "refreshToken": spec.refresh_token,
        "sizes": {kind: len(found.data.table(kind)) for kind in KINDS},
    }


def _csv(rows: Iterator[list[str]]) -> Iterator[str]:
    for row in rows:
        line = io.StringIO()
        csv.writer(line, delimiter=";", lineterminator="\n").writerow(row)
        yield line.getvalue()


def _reply(body: Any, status: int = 200) -> Response:
    return json_reply(encode(body), status)
