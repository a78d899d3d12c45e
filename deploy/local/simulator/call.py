"""What every call goes through: counting, faults, the token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Flask, Response, current_app, g, request

from deploy.local.simulator.auth import Refused
from deploy.local.simulator.fault import Fault, TokensWithdrawn
from deploy.local.simulator.fault_replies import (
    Refusal,
    answer_instead,
    bend_body,
    error_reply,
)
from deploy.local.simulator.fault_schedule import Call
from deploy.local.simulator.listing import DEFAULT_PAGE_SIZE, Window
from deploy.local.simulator.org import Org
from deploy.local.simulator.simulation import Machinery, Simulation

UNKNOWN = "unknown"


class CallingAccount(Protocol):
    """Who may call: an org at a POS."""

    @property
    def id(self) -> str:
        """What its calls are counted under."""

    def withdraw_tokens(self) -> None:
        """Every token issued so far is refused from now on."""


Identified = tuple[CallingAccount | None, Response | None]
"""The account that calls, or None; and the reply that refuses the call, where it is refused."""

_EXTENSION = "simulated-service"


@dataclass(frozen=True, slots=True)
class _Current:
    account: CallingAccount | None
    faults: Sequence[Fault]


def attach(app: Flask, service: Machinery) -> None:
    """Give the app's routes the service that they are of."""
    app.extensions[_EXTENSION] = service


def machinery() -> Machinery:
    """That of the service of the current app."""
    current: Machinery = current_app.extensions[_EXTENSION]
    return current


def simulation() -> Simulation:
    """The simulation that the current app serves."""
    current = machinery()
    assert isinstance(current, Simulation)
    return current


def parameters() -> dict[str, Any]:
    """The call's JSON body over its query."""
    body = request.get_json(silent=True) if request.is_json else None
    return {**request.args, **(body if isinstance(body, dict) else {})}


def begin_call(
    endpoint: str,
    who: Callable[[], Identified],
    *,
    page: Callable[[], int | None] | None = None,
    refuse: Refusal = error_reply,
) -> Response | None:
    """Count the call and let faults strike; a reply where one answers, or the caller is refused.
    ``page``, where a page's number is not among the parameters, says which one is asked for;
    ``refuse`` is how the service words an error."""
    service = machinery()
    account, refusal = who()
    name = account.id if account else UNKNOWN
    service.requests.begin(name, endpoint)
    g.counted_as = name
    number = (page or _page)() if service.faults.any else None
    faults = service.faults.strike(Call(account.id if account else None, endpoint, number))
    if account is not None and any(isinstance(fault, TokensWithdrawn) for fault in faults):
        account.withdraw_tokens()
        account, refusal = who()
    g.current_call = _Current(account, faults)
    return answer_instead(faults, service.stopping, refuse) or refusal


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
        reply = bend_body(_current().faults, reply, machinery().stopping)
        machinery().requests.end(g.counted_as, reply.status_code)
    return reply


def calling_account() -> CallingAccount | None:
    """Whose token the call carries, if it is a good one."""
    return _current().account


def caller() -> Org:
    """The org whose token the call carries."""
    org = _current().account
    assert isinstance(org, Org)
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
    current: _Current = g.current_call
    return current


def _page() -> int | None:
    page = str(parameters().get("page", ""))
    return int(page) if page.isdecimal() else None
