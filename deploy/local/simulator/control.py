"""Routes for tests and demos under ``/control``: look at the truth, change it, ask for faults."""

import csv
import io
import json
from typing import Any

from flask import Blueprint, Response, request
from pydantic import ValidationError

from deploy.local.simulator import metadata
from deploy.local.simulator.call import simulation
from deploy.local.simulator.dataset import KINDS
from deploy.local.simulator.fault_replies import error_reply, json_reply
from deploy.local.simulator.org import Org
from deploy.local.simulator.spec import OrgSpec, generated_orgs
from deploy.local.simulator.table import Record, encode

control = Blueprint("control", __name__, url_prefix="/control")


@control.errorhandler(KeyError)
def _unknown(error: KeyError) -> Response:
    return error_reply(404, f"unknown: {error.args[0] if error.args else ''}")


@control.errorhandler(ValidationError)
@control.errorhandler(json.JSONDecodeError)
def _not_valid(error: ValueError) -> Response:
    return error_reply(400, str(error))


@control.get("/orgs")
def list_orgs() -> Response:
    """Every org with its account."""
    return _reply([_account(org) for org in simulation().orgs])


@control.post("/orgs")
def create_org() -> Response:
    """An org of given sizes and seed, or of given ``customers``, ``orders``, ``inventory`` (lists
    of records in the search style, or CSV text). ``{"generated": n}`` makes org_00001 to n."""
    body: dict[str, Any] = request.get_json()
    sim = simulation()
    if "generated" in body:
        for spec in generated_orgs(int(body["generated"]), int(body.get("seed", 0))):
            sim.orgs.add(Org(spec, sim.today))
        return _reply({"generated": body["generated"]}, 201)
    given = {
        kind: _records(body.pop(kind))
        for kind in KINDS
        if kind in body and not isinstance(body[kind], int)
    }
    org = Org(OrgSpec.model_validate(body), sim.today, given)
    sizes = {kind: len(org.dataset.table(kind)) for kind in KINDS}
    sim.orgs.add(org)
    return _reply({**_account(org), "sizes": sizes}, 201)


@control.get("/orgs/<org_id>")
def get_org(org_id: str) -> Response:
    """One org with its account."""
    return _reply(_account(_org(org_id)))


@control.patch("/orgs/<org_id>")
def change_account(org_id: str) -> Response:
    """Change an org's account: ``password``, ``pin``, ``tokenSeconds``, ``apiStyle``, …"""
    org = _org(org_id)
    fields = {**org.spec.model_dump(by_alias=True), **request.get_json(), "id": org_id}
    simulation().orgs.change(org, OrgSpec.model_validate(fields))
    return _reply(_account(org))


@control.delete("/orgs/<org_id>")
def remove_org(org_id: str) -> Response:
    """Take an org out."""
    simulation().orgs.remove(org_id)
    return _reply({})


@control.post("/orgs/<org_id>/withdraw-tokens")
def withdraw_tokens(org_id: str) -> Response:
    """Every token of the org issued so far is refused from now on."""
    _org(org_id).withdraw_tokens()
    return _reply({})


@control.get("/orgs/<org_id>/data")
def data(org_id: str) -> Response:
    """The truth: all records of the org in the search style, orders oldest first."""
    dataset = _org(org_id).dataset
    fields = (b'"%s":[%s]' % (k.encode(), b",".join(dataset.table(k).texts())) for k in KINDS)
    return json_reply(b"{" + b",".join(fields) + b"}")


@control.put("/orgs/<org_id>/<any(customers,orders,inventory):kind>")
def replace_records(org_id: str, kind: str) -> Response:
    """Replace all records of a kind by a JSON list, or by CSV (``Content-Type: text/csv``)."""
    table = _org(org_id).dataset.table(kind)
    table.replace(
        _records(request.get_json() if request.is_json else request.get_data(as_text=True))
    )
    return _reply({"records": len(table)})


@control.post("/orgs/<org_id>/<any(customers,orders,inventory):kind>")
def put_record(org_id: str, kind: str) -> Response:
    """Add one record, or replace the one of the same id."""
    return _reply({"id": _org(org_id).dataset.table(kind).put(request.get_json())}, 201)


@control.get("/orgs/<org_id>/<any(customers,orders,inventory):kind>/<record_id>")
def get_record(org_id: str, kind: str, record_id: str) -> Response:
    """One record; a stock row's id is ``{id_batch}-{id_area}``."""
    return _reply(_org(org_id).dataset.table(kind).get(record_id))


@control.patch("/orgs/<org_id>/<any(customers,orders,inventory):kind>/<record_id>")
def change_record(org_id: str, kind: str, record_id: str) -> Response:
    """Set some fields of one record."""
    return _reply(_org(org_id).dataset.table(kind).change(record_id, request.get_json()))


@control.delete("/orgs/<org_id>/<any(customers,orders,inventory):kind>/<record_id>")
def remove_record(org_id: str, kind: str, record_id: str) -> Response:
    """Take one record out."""
    _org(org_id).dataset.table(kind).remove(record_id)
    return _reply({})


@control.get("/orgs/<org_id>/discounts")
def list_discounts(org_id: str) -> Response:
    """The org's discounts."""
    return _reply(metadata.discounts(_org(org_id)))


@control.put("/orgs/<org_id>/discounts")
def replace_discounts(org_id: str) -> Response:
    """Give the org these discounts and no others."""
    _org(org_id).discounts = request.get_json()
    return _reply({})


@control.get("/locations")
def location_documents() -> Response:
    """The ``locations/{id}`` documents that point every org at this server."""
    base_url = request.host_url.rstrip("/")
    return _reply(
        [found for org in simulation().orgs for found in org.location_documents(base_url)]
    )


def _org(org_id: str) -> Org:
    return simulation().orgs.get(org_id)


def _account(org: Org) -> dict[str, Any]:
    spec = org.spec
    return {
        **spec.model_dump(by_alias=True),
        "username": spec.user,
        "password": spec.secret,
        "company": spec.company,
        "idCompany": spec.company_id,
        "locationIds": list(spec.location_ids),
    }


def _records(given: list[Record] | str) -> list[Record]:
    """Records as given, or the rows of a CSV: ids become numbers, empty cells null, and a cell
    that is a JSON list or object (the items of an order) what it says."""
    if not isinstance(given, str):
        return given
    return [
        {key: _cell(key, value) for key, value in row.items()}
        for row in csv.DictReader(io.StringIO(given))
    ]


def _cell(column: str, text: str) -> Any:
    if text == "":
        return None
    if text.startswith(("[", "{")):
        return json.loads(text)
    return int(text) if column.startswith("id_") and text.isdecimal() else text


def _reply(body: Any, status: int = 200) -> Response:
    return json_reply(encode(body), status)
