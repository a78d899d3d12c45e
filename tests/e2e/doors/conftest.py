"""The HTTP functions as deployed, with Google's identity services answered on this machine."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from google.cloud.firestore import Client

from deploy.local.simulator.server import Server, serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec
from deploy.local.stack import Stack
from deploy.manifest import Manifest
from tests.e2e.cloud import Cloud, strict_cloud
from tests.identity.authority import Authority
from tests.identity.proxy import Proxy

ORG, OTHER_ORG, THIRD_ORG = "org_cedar", "org_willow", "org_maple"
SECRET = "the secret of org_cedar's webhooks"
SECRET_OF_OTHERS = "the webhook secret of orgs without one"
SMALL = {"customers": 30, "orders": 40, "products": 12, "rows": 14}
SECONDS = 20.0

Answer = requests.Response


class Doors(Cloud):
    """The HTTP functions of a running local cloud, and the POS that they cannot call."""

    look_seconds = 0.02

    def __init__(self, stack: Stack, authority: Authority, client: Client, server: Server) -> None:
        super().__init__(stack, client, server)
        self.authority = authority
        self.session = requests.Session()

    @property
    def cron_secret(self) -> str:
        return self.stack.secrets["CRON_SECRET"]

    def call(self, function: str, method: str, path: str, **given: Any) -> Answer:
        url = self.stack.functions[function] + path
        return self.session.request(method, url, timeout=SECONDS, **given)

    def sync(self, *, wait: float = 0, **fields: Any) -> Answer:
        """Ask for a sync by hand; ``token`` or ``cookie`` sign in, the rest is the body."""
        headers = {}
        if token := fields.pop("token", None):
            headers["Authorization"] = f"Bearer {token}"
        if cookie := fields.pop("cookie", None):
            headers["Cookie"] = f"__session={cookie}"
        query = f"?wait={wait}" if wait else ""
        return self.call(
            "manual_sync", "POST", f"/api/pos/sync{query}", headers=headers, json=fields
        )

    def cron(self, query: str = "", *, secret: str | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        return self.call("manual_sync", "POST", f"/api/cron/pos-sync{query}", headers=headers)

    def webhook(self, body: bytes, *, org_id: str = ORG, signature: str | None = None) -> Answer:
        sent = signed(body) if signature is None else signature
        return self.call(
            "webhooks",
            "POST",
            f"/api/webhooks/alleaves/{org_id}",
            data=body,
            headers={"X-Alleaves-Signature": sent, "Content-Type": "application/json"},
        )

    def ended(self, org_id: str, run_id: str) -> dict[str, Any]:
        """The run once it has ended."""
        path = f"tenants/{org_id}/sync_runs/{run_id}"

        def has_ended() -> bool:
            return self.store.document(path).get("state") not in (None, "queued", "running")

        self.wait(f"run {run_id} ends", has_ended)
        return self.store.document(path)

    def forget_manual_runs(self) -> None:
        """As if an hour had passed since the last one."""
        for org_id in (ORG, OTHER_ORG, THIRD_ORG):
            self.client.document(f"tenants/{org_id}/sync_state/manual").delete()


def signed(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def event(kind: str, data: object, **fields: object) -> bytes:
    """A webhook's body, sent now."""
    now = datetime.now(UTC).isoformat()
    return json.dumps({"event": kind, "data": data, "timestamp": now, **fields}).encode()


@pytest.fixture(scope="session")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    authority = Authority("")
    specs = [OrgSpec(id=org, seed=i, **SMALL) for i, org in enumerate((ORG, OTHER_ORG, THIRD_ORG))]
    with (
        serve(Simulation(specs)) as pos,
        Proxy(authority, tmp_path_factory.mktemp("identity")) as proxy,
    ):
        manifest = (
            Manifest.read()
            .for_local_cloud()
            .with_policy(min_backoff_seconds=1, max_backoff_seconds=2)
        )
        identity = {**proxy.environment, "FIREBASE_API_KEY": ""}
        served = ("admin_api", "manual_sync", "dashboard", "loyalty_api")
        people = dict.fromkeys(served, identity)
        with strict_cloud(
            manifest,
            tmp_path_factory.mktemp("logs"),
            only=[*people, "webhooks", "org_sync", "spending", "dead_letter"],
            extra_env={**people, "webhooks": {"ALLEAVES_WEBHOOK_SECRET": SECRET_OF_OTHERS}},
        ) as (stack, client):
            authority.project = stack.project
            _open(client, pos)
            yield Doors(stack, authority, client, pos)


def _open(client: Client, pos: Server) -> None:
    for location in pos.locations():
        document = location["document"]
        if document["orgId"] == ORG:
            document["posConfig"]["webhookSecret"] = SECRET
        client.document(f"locations/{location['id']}").set(document)


@pytest.fixture(scope="module")
def lightspeed_location(doors: Doors) -> Iterator[None]:
    """The org has a Lightspeed location as well, for as long as a file's tests last."""
    location = doors.client.document("locations/cedar-lightspeed")
    config = {"provider": "lightspeed", "status": "active", "webhookSecret": SECRET}
    location.set({"orgId": ORG, "posConfig": config})
    yield
    location.delete()


@pytest.fixture(autouse=True)
def _as_if_nobody_had_asked(doors: Doors) -> None:
    doors.forget_manual_runs()
