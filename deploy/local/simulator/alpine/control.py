"""Routes for tests and demos: an org's contacts at Alpine IQ, and who was looked up."""

from typing import Any

from flask import Blueprint, Response, request

from deploy.local.simulator.alpine.account import AlpineAccount
from deploy.local.simulator.call import simulation
from deploy.local.simulator.fault_replies import error_reply, json_reply
from deploy.local.simulator.table import encode

alpine_control = Blueprint("alpine_control", __name__, url_prefix="/control")


@alpine_control.errorhandler(KeyError)
def _unknown(error: KeyError) -> Response:
    return error_reply(404, f"unknown: {error.args[0] if error.args else ''}")


@alpine_control.get("/tenants")
def tenant_documents() -> Response:
    """``{"id", "document"}`` of the ``tenants/{orgId}`` of every org: its name, and its account
    at Alpine IQ where it has contacts there."""
    base_url = request.host_url.rstrip("/")
    return _reply([org.tenant_document(base_url) for org in simulation().orgs])


@alpine_control.get("/orgs/<org_id>/contacts")
def list_contacts(org_id: str) -> Response:
    """All contacts."""
    return _reply(list(_account(org_id).contacts))


@alpine_control.put("/orgs/<org_id>/contacts")
def replace_contacts(org_id: str) -> Response:
    """Replace all contacts by a JSON list."""
    contacts = request.get_json()
    _account(org_id).contacts.replace(contacts)
    return _reply({"records": len(contacts)})


@alpine_control.patch("/orgs/<org_id>/contacts/<contact_id>")
def change_contact(org_id: str, contact_id: str) -> Response:
    """Set some fields of one contact."""
    return _reply(_account(org_id).contacts.change(contact_id, request.get_json()))


@alpine_control.delete("/orgs/<org_id>/contacts/<contact_id>")
def remove_contact(org_id: str, contact_id: str) -> Response:
    """Take one contact out."""
    _account(org_id).contacts.remove(contact_id)
    return _reply({})


@alpine_control.get("/orgs/<org_id>/look-ups")
def list_look_ups(org_id: str) -> Response:
    """Who was looked up when."""
    return _reply(_account(org_id).calls())


@alpine_control.delete("/orgs/<org_id>/look-ups")
def forget_look_ups(org_id: str) -> Response:
    """Count from nothing."""
    _account(org_id).forget_calls()
    return _reply({})


def _account(org_id: str) -> AlpineAccount:
    return simulation().orgs.get(org_id).alpine


def _reply(body: Any) -> Response:
    return json_reply(encode(body))
