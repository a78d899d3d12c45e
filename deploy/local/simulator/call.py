"""What every call goes through: counting, faults, the token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, current_app, g, request

from deploy.local.simulator.auth import Refused
from deploy.local.simulator.fault import Fault, TokensWithdrawn
from deploy.local.simulator.fault_replies import answer_instead, bend_body, error_reply
from deploy.local.simulator.fault_schedule import Call
from deploy.local.simulator.listing import DEFAULT_PAGE_SIZE, Window
from deploy.local.simulator.org import Org
from deploy.local.simulator.simulation import Simulation

UNKNOWN = "unknown"
Identified = tuple[Org | None, Response | None]
"""The org that calls, or None; and the reply that refuses the call, where it is refused."""

_EXTENSION = "pos-simulation"


@dataclass(frozen=True, slots=True)
class _Current:
    org: Org | None
    faults: Sequence[Fault]


def attach(app: Flask, simulation: Simulation) -> None:
    """Give the app's routes this simulation."""
    app.extensions[_EXTENSION] = simulation


def simulation() -> Simulation:
    """The simulation that the current app serves."""
    current: Simulation = current_app.extensions[_EXTENSION]
    return current


def parameters() -> dict[str, Any]:
    """The call's JSON body over its query."""
    body = request.get_json(silent=True) if request.is_json else None
    return {**request.args, **(body if isinstance(body, dict) else {})}


def begin_call(endpoint: str, who: Callable[[], Identified]) -> Response | None:
    """Count the call and let faults strike; a reply where one answers, or the caller is refused."""
    sim = simulation()
    org, refusal = who()
    name = org.id if org else UNKNOWN
    sim.requests.begin(name, endpoint)
    g.counted_as = name
    faults = sim.faults.strike(Call(org.id if org else None, endpoint, _page()))
    g.pos_call = _Current(org, faults)
    if org is not None and any(isinstance(fault, TokensWithdrawn) for fault in faults):
        org.withdraw_tokens()
        org, refusal = who()
        g.pos_call = _Current(org, faults)
    return answer_instead(faults, sim.stopping) or refusal


def pos_caller(endpoint: str) -> Identified:
    """Who calls the POS: by name where one signs in, else by token."""
    sim, given = simulation(), request.headers
    if endpoint == "auth":
        return sim.orgs.with_user(str(parameters().get("username", ""))), None
    try:
        return sim.tokens.org_of(given.get("Authorization"), given.get("X-Api-Key")), None
    except Refused as refused:
        return None, error_reply(401, str(refused))


def end_call(reply: Response) -> Response:
    """Bend the reply and count it."""
    if "counted_as" in g:
        reply = bend_body(_current().faults, reply, simulation().stopping)
        simulation().requests.end(g.counted_as, reply.status_code)
    return reply


def caller() -> Org:
    """The org whose token the call carries."""
    org = _current().org
    assert org is not None
    return org


def listing_faults() -> Sequence[Fault]:
    """The faults that struck this call."""
    return _current().faults


def window(default_take: int | None = DEFAULT_PAGE_SIZE) -> Window:
    """The asked-for part of a listing: ``skip`` and ``take``, else ``page`` and ``pageSize``."""
    given = parameters()
    if "take" in given or "skip" in given:
        take = given.get("take", default_take)
        return Window(int(given.get("skip", 0)), None if take is None else int(take))
    if "page" in given or "pageSize" in given or default_take is not None:
        size = int(given.get("pageSize", default_take or DEFAULT_PAGE_SIZE))
        limit = caller().spec.page_limit or size
        return Window.of_page(int(given.get("page", 1)), min(size, limit))
    return Window()


def _current() -> _Current:
    current: _Current = g.pos_call
    return current


def _page() -> int | None:
    page = str(parameters().get("page", ""))
    return int(page) if page.isdecimal() else None
