"""One org never reads, changes or pays with what is another's, whatever it sends.

A case is one request, message or change of configuration by people of MINE, a webhook of its POS
included. FUZZ_CASES=5000 (``make fuzz``) is the long form.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from math import ceil
from types import ModuleType
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask import Request
from google.cloud.firestore import Client as Firestore
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.test import Client

from deploy.local.clients import firestore_client
from deploy.local.simulator.server import Server, serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec
from shared.bootstrap import (
    admin_api,
    cron_fanout,
    dashboard,
    loyalty_api,
    loyalty_reconcile,
    manual_sync,
    metrics,
    org_sync,
    segments,
    spending,
    verify,
    webhooks,
)
from shared.store.database import Database
from shared.store.writes import Write
from shared.web.request import NoBody, RawBody
from shared.web.routing import Route
from shared.web.signatures import signature
from tests.emulator.functions import InProcess, pubsub_event
from tests.simulated_pos import SimulatedPos
from tests.stored import Fields, StoredDocuments

CASES = int(os.environ.get("FUZZ_CASES", "200"))
CASES_AT_ONCE = 20
MINE, OTHER = "harbor", "org_harbor"
"""Two orgs whose ids are spellings of one name."""
MARKER = "Zephyrine"
"""In every text that the other org has for itself, and in no other."""
MARKED = frozenset({"firstName", "lastName", "nameKey", "lastNameKey", "email", "name", "brand"})
MARKED |= {"category", "vendor", "message", "lastError", "alpineUserId", "requestedBy", "reason"}
PUBLIC = "publicViews"
HOOK_SECRETS = {MINE: "the webhook secret of mine", OTHER: "the webhook secret of the other"}
SMALL = {"customers": 12, "orders": 16, "products": 6, "rows": 6, "alpine_contacts": 4}
NOWHERE = "http://127.0.0.1:1/api"
HTTP_FUNCTIONS = (manual_sync, dashboard, loyalty_api, webhooks, admin_api)

ORG_IDS = (
    *(OTHER, MINE, "brand_harbor", "org_org_harbor", "brand_org_harbor", "org_brand_harbor"),
    *("ORG_HARBOR", "org_harbor ", " org_harbor", "org_harbor/", "./org_harbor", "../org_harbor"),
    *("harbor/../org_harbor", "org_harbor%00", "org_", "brand_", "org_nowhere", "", "__x__"),
)
CLAIMED = (
    *(MINE, "org_org_harbor", "brand_org_harbor", "org_brand_org_harbor", "ORG_HARBOR"),
    *("org_harbor ", "org_harbor/", "../org_harbor", "harbor/../org_harbor", "org_", "", "x" * 999),
)
"""What an org may be called in the claims of somebody who is not of OTHER."""
REPORTED = "2026-01-05T10:00:00Z"
"""When the metrics of both orgs were reported."""
MOMENTS = (REPORTED, "2026-02-02T10:00:00Z", "2026-03-02T10:00:00Z")
ROLES = ("dispensary_admin", "brand_admin", "customer", "SUPER_USER", "super_user ", "")
ANSWERED: Mapping[str, Sequence[object]] = {
    "decision": ("approve", "refuse"),
    "removals": (["5f2a"],),
    "posConfig": (
        {},
        {"provider": "alleaves", "apiKey": f"secret:password-of-{OTHER}", "baseUrl": NOWHERE},
        {"provider": "alleaves", "apiKey": f"secret:pos-{OTHER}-main", "baseUrl": NOWHERE},
        {"password": f"secret:password-of-{OTHER}"},
        {"locationId": OTHER},
    ),
    "alpineIq": (None, {"apiKey": f"secret:password-of-{OTHER}"}, {"userId": 1, "apiKey": "k"}),
    "alerts": (None, {"urls": ["json://127.0.0.1:1"]}),
    "sync": (None, {"lookbackDays": 3}),
    "loyaltySettings": (None, {"pointsPerDollar": 3}),
    "addAlertUrls": (["json://127.0.0.1:1"], []),
    "removeAlertUrls": ([OTHER],),
    "timezone": ("America/Denver", None),
}
"""Values of fields of a body that settings and decisions have."""
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)


@dataclass
class World:
    """Two synced orgs, and what has been done of late."""

    functions: InProcess
    store: StoredDocuments
    client: Firestore
    server: Server
    pos: SimulatedPos
    clients: Mapping[str, Client]
    routes: Sequence[tuple[str, Route[Any, Any]]]
    consumers: Mapping[ModuleType, Callable[..., None]]
    written: list[str]
    ids: Sequence[str]
    cursors: Sequence[str]
    before: Mapping[str, Any]

    def others_calls(self) -> int:
        """Calls with the other org's accounts at its POS and its loyalty provider."""
        alpine = self.server.simulation.orgs.get(OTHER).alpine
        return sum(self.pos.calls(OTHER).values()) + len(alpine.calls())

    def others_documents(self) -> dict[str, Any]:
        """The other org's documents that there were at the start, as they are now."""
        found = self.store.everything(OTHER)
        return {path: found.get(path) for path in self.before}

    def request(self, function: str, method: str, path: str, **sent: Any) -> None:
        """Send a request; its answer must hold nothing of the other org."""
        answer = self.clients[function].open(path, method=method, **sent)
        said = f"{method} {path} {sent} -> {answer.status_code} {answer.text[:500]}"
        assert answer.status_code != 500, said
        assert MARKER.casefold() not in f"{answer.text}{answer.headers}".casefold(), said
        if "menu" not in path:
            assert f'"orgId":"{OTHER}"' not in answer.text, said

    def deliver(self, function: ModuleType, message: Mapping[str, Any]) -> None:
        """Deliver a message, which may have to come again."""
        with contextlib.suppress(ServiceUnavailable):
            self.consumers[function](pubsub_event("m1", json.dumps(message)))

    def check(self, case: str) -> None:
        """Nothing of the last case concerned the other org."""
        functions = self.functions
        theirs = (f"tenants/{OTHER}", f"tenants/{OTHER}/")
        touched = [path for path in self.written if path == theirs[0] or path.startswith(theirs[1])]
        assert not touched, (case, touched)
        assert f"locations/main-{OTHER}" not in self.written, case
        named = [m for _, m in functions.published if getattr(m, "org_id", None) == OTHER]
        assert not named, (case, named)
        assert not functions.resent, (case, functions.resent)
        assert not [name for name in functions.secrets_read if OTHER in name], case
        alerted = [text for each in functions.alerted for text in each]
        foreign = (MARKER, f"alerts-of-{OTHER}")
        assert not [text for text in alerted if any(f in text for f in foreign)], (case, alerted)
        self.forget()

    def forget(self) -> None:
        """What was done so far is no longer looked at."""
        functions = self.functions
        for noted in (self.written, functions.published, functions.secrets_read, functions.alerted):
            noted.clear()


@pytest.fixture(scope="module")
def world(firestore_host: str) -> Iterator[World]:
    project = "demo-isolation"
    specs = [OrgSpec(id=org, seed=n, **SMALL) for n, org in enumerate((MINE, OTHER), 1)]
    with (
        pytest.MonkeyPatch.context() as patch,
        closing(firestore_client(firestore_host, project)) as client,
        serve(Simulation(specs)) as server,
    ):
        functions = InProcess(project, Database(client), patch)
        _configure(client, server, functions)
        consumers = {
            each: functions.consumer(each)
            for each in (
                *(org_sync, spending, segments, metrics, verify),
                *(loyalty_reconcile, cron_fanout),
            )
        }
        apps = {each: functions.app(each) for each in HTTP_FUNCTIONS}
        for org in (MINE, OTHER):
            for function in (org_sync, spending, loyalty_reconcile):
                message = {"orgId": org, "runId": f"first-of-{org}", "trigger": "manual"}
                consumers[function](pubsub_event("m0", json.dumps(message)))
        store = StoredDocuments(client)
        _mark(client, store)
        for org in (MINE, OTHER):
            consumers[metrics](pubsub_event("m0", json.dumps({"orgId": org, "asOf": REPORTED})))
        clients = {m.__name__: Client(Request.application(app)) for m, app in apps.items()}  # type: ignore[arg-type]
        before = store.everything(OTHER)
        ids = sorted({part for path in before for part in path.split("/")[2:]})
        written: list[str] = []
        _record_commits(patch, written)
        ready = World(
            functions,
            store,
            client,
            server,
            SimulatedPos(server.url),
            clients,
            [(m.__name__, route) for m, app in apps.items() for route in app.routes],
            consumers,
            written,
            ids,
            _cursors_of_the_other(clients[dashboard.__name__]),
            before,
        )
        ready.forget()
        yield ready


def _configure(client: Firestore, server: Server, functions: InProcess) -> None:
    """Each org has a location, secrets, alerts and an account at Alpine IQ of its own."""
    for org in server.simulation.orgs:
        tenant = org.tenant_document(server.url)["document"]
        client.document(f"tenants/{org.id}").set(
            {**tenant, "alerts": {"urls": [f"json://alerts-of-{org.id}"]}}
        )
        for location in org.location_documents(server.url):
            document, name = location["document"], f"pos-{org.id}-password"
            config = document["posConfig"]
            functions.secrets[name] = config["password"]
            config |= {"password": f"secret:{name}", "webhookSecret": HOOK_SECRETS[org.id]}
            client.document(f"locations/main-{org.id}").set(document)


def _mark(client: Firestore, store: StoredDocuments) -> None:
    """Put MARKER into what the other org has stored for itself."""
    for path, (_, fields) in store.everything(OTHER).items():
        if PUBLIC not in path:
            client.document(path).set(_marked(fields))
    run = f"tenants/{OTHER}/sync_runs/first-of-{OTHER}"
    error = {"code": "internal", "owner": "us", "message": MARKER, "stream": None}
    client.document(run).update({"error": error})


def _marked(fields: Fields) -> Fields:
    def marked(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return _marked(value)
        if isinstance(value, list):
            return [marked(name, each) for each in value]
        return f"{value} {MARKER}" if name in MARKED and isinstance(value, str) else value

    return {name: marked(name, value) for name, value in fields.items()}


def _cursors_of_the_other(client: Client) -> list[str]:
    headers = {"Authorization": f"Bearer {json.dumps({'role': 'super_user'})}"}
    found = []
    for path in ("customers", "orders", "customers?sort=lastName"):
        url = f"/api/{path}{'&' if '?' in path else '?'}orgId={OTHER}&limit=1"
        answer = client.get(url, headers=headers)
        assert MARKER.casefold() in answer.text.casefold(), answer.text
        assert answer.json
        found.append(answer.json["nextCursor"])
    return found


def _record_commits(patch: pytest.MonkeyPatch, written: list[str]) -> None:
    commit = Database.commit

    def recorded(self: Database, writes: Any) -> Any:
        listed: list[Write] = list(writes)
        written.extend(write.path for write in listed)
        return commit(self, listed)

    patch.setattr(Database, "commit", recorded)


@pytest.mark.timeout(120 + CASES)
@settings(
    max_examples=ceil(CASES / CASES_AT_ONCE),
    database=None,
    phases=[Phase.generate],  # a case says in words what it did
    suppress_health_check=list(HealthCheck),
)
@given(st.data())
def test_one_org_never_reads_or_changes_what_is_anothers(world: World, data: st.DataObject) -> None:
    calls = world.others_calls()
    # All cases are drawn before the first is done: what is drawn never depends on an outcome.
    for text, act in [_case(world, data.draw) for _ in range(CASES_AT_ONCE)]:
        act()
        world.check(text)
    assert world.others_documents() == world.before
    assert world.others_calls() == calls


Draw = Callable[[st.SearchStrategy[Any]], Any]
Case = tuple[str, Callable[[], None]]
"""What is done, in words, and the act."""


def _case(world: World, draw: Draw) -> Case:
    kind = draw(st.integers(0, 99))
    if kind < 80:
        return _request(world, draw)
    if kind < 88:
        return _webhook(world, draw)
    return _message(world, draw) if kind < 97 else _configuration(world, draw)


def _request(world: World, draw: Draw) -> Case:
    """A request to any route by people of MINE, or by nobody."""
    function, route = draw(st.sampled_from(world.routes))
    in_headers = route.params.header_names()
    values = {
        info.alias or name: _value(world, draw, info.alias or name)
        for name, info in route.params.model_fields.items()
        if info.alias not in in_headers and (info.is_required() or draw(st.booleans()))
    }
    path = route.path
    for name in route.path_names:
        path = path.replace(f"{{{name}}}", quote(values.pop(name), safe=""))
    if draw(st.integers(0, 9)) == 0:
        values["orgId"] = OTHER
    query = urlencode(values, errors="replace")
    named = {name: draw(st.sampled_from(world.ids)) for name in in_headers}
    sent: dict[str, Any] = {"headers": _headers(world, draw) | named}
    if route.body is not NoBody and not issubclass(route.body, RawBody):
        body = {
            info.alias or name: _json_value(world, draw, info.alias or name)
            for name, info in route.body.model_fields.items()
            if draw(st.booleans())
        }
        sent |= {"data": json.dumps(body), "content_type": "application/json"}
    url = f"{path}?{query}"

    def act() -> None:
        with _settings_of_mine_kept(world, changed=function == admin_api.__name__):
            world.request(function, route.method, url, **sent)

    return f"{route.method} {url} {sent}", act


@contextlib.contextmanager
def _settings_of_mine_kept(world: World, *, changed: bool) -> Iterator[None]:
    """People of MINE may change its settings: the next case finds them as they were."""
    kept = [world.client.document(p) for p in (f"locations/main-{MINE}", f"tenants/{MINE}")]
    before = {each: each.get().to_dict() or {} for each in kept if changed}
    yield
    for each, fields in before.items():
        each.set(fields)
    for location in world.client.collection("locations").list_documents() if changed else ():
        if location.id not in (f"main-{MINE}", f"main-{OTHER}"):
            location.delete()


def _headers(world: World, draw: Draw) -> dict[str, str]:
    org = st.sampled_from(CLAIMED)
    claims: dict[str, Any] = {
        "role": draw(st.sampled_from(ROLES)),
        "roles": draw(st.lists(st.sampled_from(ROLES), max_size=2)),
        **draw(st.dictionaries(st.sampled_from(("orgId", "currentOrgId", "brandId")), org)),
        "orgIds": draw(st.lists(org, max_size=3)),
    }
    token = draw(st.sampled_from((json.dumps(claims),) * 9 + ("", "x" * 40)))
    others = {"X-Org-Id": OTHER, "X-Forwarded-Host": OTHER, "Cookie": f"__session={OTHER}"}
    extra = draw(st.sets(st.sampled_from(sorted(others)), max_size=2))
    return {"Authorization": f"Bearer {token}", **{name: others[name] for name in extra}}


def _value(world: World, draw: Draw, name: str) -> str:
    """A parameter, mostly one that makes sense and often one that names something of OTHER."""
    usual: dict[str, st.SearchStrategy[str]] = {
        "orgId": st.sampled_from(ORG_IDS),
        "cursor": st.sampled_from(world.cursors),
        "limit": st.sampled_from(("1", "5", "200")),
        "sort": st.sampled_from(("-totalSpent", "lastName", "lastOrderDate")),
        "q": st.sampled_from((MARKER, "a", "+12125550134", *world.ids)),
        "format": st.sampled_from(("csv", "json")),
        "email": st.sampled_from(("wren@example.com", f"a@example.com {MARKER}")),
        "phone": st.just("+12125550134"),
        "wait": st.just("0"),
        "days": st.just("3650"),
        "date": st.just(REPORTED[:10]),
        "segment": st.sampled_from(("vip", "new", "loyal")),
        "challenge": st.sampled_from(world.ids),
        "locationId": st.sampled_from(("1000", f"main-{MINE}", f"main-{OTHER}")),
    }
    wanted = usual.get(name, st.sampled_from(world.ids) | st.just(f"../../{OTHER}/customers/1"))
    odd = st.text(max_size=12)
    found: str = draw(odd if draw(st.integers(0, 19)) == 0 else wanted)
    return found


def _json_value(world: World, draw: Draw, name: str) -> Any:
    if draw(st.integers(0, 19)) == 0:
        return draw(ANY_TEXT | st.integers() | st.none() | st.lists(ANY_TEXT, max_size=2))
    if name in ("full", "allowDeletions"):
        return False
    if name == "streams":
        return ["products"]
    if name == "type":
        return "pickup"
    if name in ANSWERED:
        return draw(st.sampled_from(ANSWERED[name]))
    if name == "lines":
        batch_id, area_id = (draw(st.sampled_from(world.ids)) for _ in range(2))
        return [{"batchId": batch_id, "areaId": area_id, "quantity": 1}]
    return _value(world, draw, name)


def _webhook(world: World, draw: Draw) -> Case:
    """A webhook that the POS of MINE has signed, of records of either org, sent to either."""
    org_id = draw(st.sampled_from(ORG_IDS))
    kind = draw(st.sampled_from(("customer.updated", "order.created", "product.updated")))
    rows = draw(st.lists(st.sampled_from(world.ids) | ANY_TEXT, max_size=3))
    body = json.dumps(
        {
            "event": kind,
            "orgId": OTHER,
            "event_id": draw(ANY_TEXT),
            "id_location": draw(st.sampled_from((1000, "1001", OTHER))),
            "data": [{"id": i} for i in rows],
        }
    ).encode()
    if draw(st.booleans()):
        body = urlencode({"payload": body.decode()}).encode()
    hex_digest = signature(body, SecretStr(HOOK_SECRETS[MINE]))
    headers = {
        "X-Alleaves-Signature": hex_digest,
        "X-Signature": f"signature={hex_digest},algorithm=HMAC-SHA256",
        "X-Org-Id": draw(st.sampled_from((OTHER, MINE, ""))),
    }
    base = draw(st.sampled_from(("alleaves", "lightspeed/sale-created")))
    named = draw(st.sampled_from((f"/{quote(org_id, safe='')}", "")))
    path = f"/api/webhooks/{base}{named}"
    return f"webhook {path} {headers} {body!r}", lambda: world.request(
        webhooks.__name__, "POST", path, data=body, headers=headers
    )


def _message(world: World, draw: Draw) -> Case:
    """A message of any topic about MINE, or an org that is none, naming things of OTHER."""
    org = draw(
        st.sampled_from((MINE,) * 6 + ("org_org_harbor", "brand_org_harbor", "brand_harbor"))
    )
    ids = draw(st.lists(st.sampled_from(world.ids), min_size=1, max_size=3))
    run_id = draw(st.sampled_from((f"first-of-{OTHER}", *world.ids)) | st.uuids().map(str))
    named = {draw(st.sampled_from(("customerIds", "orderIds", "productIds"))): ids}
    sync = {"orgId": org, "runId": run_id, "trigger": draw(st.sampled_from(("cron", "manual")))}
    function, message = draw(
        st.sampled_from(
            (
                (org_sync, sync | named),
                (org_sync, sync | named),
                (org_sync, sync | {"requestedBy": OTHER}),
                (org_sync, sync | {"dryRun": True}),
                (org_sync, sync | {"asStored": True}),
                (spending, {"orgId": org, "customerIds": ids}),
                (spending, {"orgId": org}),
                (segments, {"orgId": org}),
                (metrics, {"orgId": org, "asOf": draw(st.sampled_from(MOMENTS))}),
                (verify, {"orgId": org, "night": draw(st.dates().map(date.isoformat))}),
                (loyalty_reconcile, {"orgId": org, "runId": run_id, "customerIds": ids}),
                (loyalty_reconcile, {"orgId": org, "runId": run_id}),
                *(
                    (cron_fanout, {"job": job, "orgId": org})
                    for job in (
                        *("pos-sync", "loyalty", "segments", "weekly-metrics"),
                        *("verify", "watchdog"),
                    )
                ),
            )
        )
    )
    return f"{function.__name__} {message}", lambda: world.deliver(function, message)


def _configuration(world: World, draw: Draw) -> Case:
    """People of MINE name things of OTHER in their own settings, and sync."""
    theirs = world.server.simulation.orgs.get(OTHER)
    their_location = theirs.location_documents(world.server.url)[0]["document"]
    their_alpine = theirs.tenant_document(world.server.url)["document"]["alpineIq"]
    location = world.client.document(f"locations/main-{MINE}")
    tenant = world.client.document(f"tenants/{MINE}")
    changed, name, value = draw(
        st.sampled_from(
            (
                (location, "posConfig.locationId", their_location["posConfig"]["locationId"]),
                (location, "name", OTHER),
                (location, "posConfig.status", "inactive"),
                (tenant, "alpineIq.userId", their_alpine["userId"]),
                (tenant, "name", OTHER),
                (location, "posConfig.password", f"secret:pos-{OTHER}-password"),
                (location, "posConfig.password", f"secret:pos-{OTHER}-password/versions/1"),
                (location, "posConfig.apiKey", f"secret:pos-{OTHER}-password"),
                (location, "posConfig.webhookSecret", f"secret:pos-{OTHER}-password"),
                (location, "posConfig.baseUrl", "http://169.254.169.254/api"),
                (tenant, "alpineIq.apiKey", f"secret:pos-{OTHER}-password"),
            )
        )
    )
    run_id = str(draw(st.uuids()))

    def change_and_sync() -> None:
        before = {each: each.get().to_dict() or {} for each in (location, tenant)}
        changed.update({name: value})
        world.deliver(org_sync, {"orgId": MINE, "runId": run_id, "trigger": "manual"})
        world.deliver(loyalty_reconcile, {"orgId": MINE, "runId": run_id})
        for each, fields in before.items():
            each.set(fields)

    return f"{changed.path} {name}={value}", change_and_sync
