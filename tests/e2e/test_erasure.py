"""One of many customers is erased from the whole local cloud, by the door: nothing of the person is
left in any document or log, no sync brings the person back, and nobody else's figures change.

LONG=1 is the form of 2,527 customers.
"""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.local.identity.people import sign_in
from shared.domain.erasure import ERASED
from shared.pos.lightspeed.ecom_export import BadRow, ExportContext, read_export
from shared.services.ecom.importing import EcomImport
from shared.services.erasure.holding import OrgHold
from shared.services.erasure.whole_org import EraseOrg
from shared.services.verification.figures import outstanding
from shared.store.database import Database
from tests.e2e.cloud import Cloud
from tests.e2e.doors.conftest import event, signed
from tests.ecom_export import ZONE, ExportedOrder, export
from tests.emulator.erasure.erasing import (
    ACTOR,
    EMAIL,
    FIRST,
    LAST,
    PHONE,
    TRACES,
    documents,
    left_of,
    make_unique,
)
from tests.emulator.erasure.traces import seed
from tests.fakes import RecordingPublisher
from tests.simulated_pos import Record, placed_order
from tests.stored import differences

LARGE = {
    "customers": 2_527,
    "orders": 2_689,
    "products": 374,
    "rows": 395,
    "alpine_contacts": 245,
    "alpine_differing": 5,
}
SMALL = {"customers": 60, "orders": 90, "products": 20, "rows": 22, "alpine_contacts": 6}
SIZES = LARGE if os.environ.get("LONG") else SMALL
PATIENCE = 600 if os.environ.get("LONG") else 60
QUIET_SECONDS = 4.0
SECRET = "the secret of the erased person's shop"
TWIN, NEW_ORDER = 990_001, 991_001
NO_ID = "__x__"
"""What no document can have as its id: the record is not readable."""
TWIN_EMAIL = "zephyrine.twin@example.com"
WHO = (*TRACES, TWIN_EMAIL)


class ErasedShop:
    """An org of the cloud, with somebody who has left traces everywhere."""

    def __init__(self, cloud: Cloud, org_id: str) -> None:
        self.cloud = cloud
        self.org_id = org_id
        self.database = Database(cloud.client)
        self.customer_id = make_unique(cloud.pos, org_id)
        self._tokens: dict[str, str] = {}

    @property
    def person(self) -> Record:
        """What the POS says of the person."""
        [found] = [
            each
            for each in self.cloud.pos.data(self.org_id)["customers"]
            if str(each["id_customer"]) == self.customer_id
        ]
        return found

    def leave_traces(self) -> None:
        """Let every part of the cloud have to do with the person."""
        cloud, org_id = self.cloud, self.org_id
        twin = {**self.person, "id_customer": TWIN, "email": TWIN_EMAIL, "phone": "518.555.0147"}
        cloud.pos.add(org_id, "customers", twin)
        cloud.pos.add(org_id, "customers", {**self.person, "id_customer": NO_ID})
        self.sync("before")
        self._look_up()
        self._buy()
        self._buy_at_web_shop()
        cloud.stack.publish(
            "loyalty", {"orgId": org_id, "runId": "points", "customerIds": [self.customer_id]}
        )
        self._wait("points", lambda: "pointsFromOrders" in self._stored("customers/{id}"))
        cloud.stack.publish("metrics", {"orgId": org_id, "asOf": datetime.now(UTC).isoformat()})
        reports = f"tenants/{org_id}/metrics_reports"
        self._wait("metrics", lambda: cloud.store.documents(reports))
        doomed = {"orgId": org_id, "trigger": f"{FIRST} {LAST}", "requestedBy": EMAIL}
        letter = cloud.stack.publish("pos-sync", doomed)
        self._wait("letter", lambda: cloud.store.document(f"dead_letters/{letter}"))
        seed(cloud.client, self.customer_id, datetime.now(UTC), org_id, orders=False)

    def _look_up(self) -> None:
        """Be looked for by name, e-mail and telephone number."""
        for path in (
            f"/api/customers?orgId={self.org_id}&q={LAST}",
            f"/api/customers?orgId={self.org_id}&q={EMAIL}",
            f"/orgs/{self.org_id}/customers?q={LAST}",
        ):
            assert self.call("dashboard", path).status_code == 200, path
        asked = f"?orgId={self.org_id}&email={EMAIL}&phone=5185550147"
        assert self.call("loyalty_api", f"/api/loyalty/points{asked}").status_code == 200

    def _buy(self) -> None:
        """Buy at the till, of which the POS tells by webhook."""
        cloud, org_id = self.cloud, self.org_id
        now = datetime.now(UTC).isoformat()
        template = cloud.pos.data(org_id)["orders"][0]
        named = {"name_first": FIRST, "name_last": LAST, "email": EMAIL, "phone": PHONE}
        order = placed_order(template, NEW_ORDER, self.person["id_customer"], now) | named
        cloud.pos.add(org_id, "orders", order)
        body = event("order.created", order)
        reply = requests.post(
            f"{cloud.stack.functions['webhooks']}/api/webhooks/alleaves/{org_id}",
            data=body,
            headers={"X-Alleaves-Signature": signed(body, SECRET)},
            timeout=20,
        )
        assert reply.status_code == 200, reply.text
        self._wait("the order", lambda: self._stored(f"orders/alleaves_{NEW_ORDER}"))

    def _buy_at_web_shop(self) -> None:
        """An order of the web shop, which its export brings."""
        asked, now = RecordingPublisher(), datetime.now(UTC)
        order = ExportedOrder(
            20, at=now - timedelta(days=3), email=EMAIL, phone=PHONE, name=f"{FIRST} {LAST}"
        )
        context = ExportContext(
            lambda: export([order]).splitlines(keepends=True), ZONE, "1000", now
        )
        refused: list[BadRow] = []
        shop_import = EcomImport(self.database, asked, lambda: datetime.now(UTC))
        shop_import(self.org_id, read_export(context), refused.append)
        assert not refused
        for message in asked.take():
            self.cloud.stack.publish("spending", message.to_json())
        self._settle()

    def sync(self, run_id: str, **fields: Any) -> Record:
        """A run, and the spending that follows; the run's document."""
        message = {"orgId": self.org_id, "runId": run_id, "trigger": "manual", **fields}
        self.cloud.stack.publish("pos-sync", message)
        path = f"sync_runs/{run_id}"
        ended = ("succeeded", "failed", "held", "partial")
        self._wait(run_id, lambda: self._stored(path).get("state") in ended)
        self._settle()
        return self._stored(path)

    def call(self, function: str, path: str, **body: Any) -> requests.Response:
        """Call a route as somebody with a role for every org: with a body it is a POST."""
        host, [operator, *_] = str(self.cloud.stack.auth), self.cloud.stack.people
        if not self._tokens:
            self._tokens["operator"] = sign_in(host, operator.email, operator.password)
        return requests.request(
            "POST" if body else "GET",
            self.cloud.stack.functions[function] + path,
            json=body or None,
            headers={"Authorization": f"Bearer {self._tokens['operator']}"},
            timeout=60,
        )

    def erase(self) -> tuple[Record, int]:
        """Ask for the erasure as often as the answer says that there is more; how often."""
        named = {"customerId": self.customer_id, "confirm": self.customer_id}
        for tries in range(1, 60):
            reply = self.call("admin_api", "/api/admin/erasures", orgId=self.org_id, **named)
            if reply.status_code == 200:
                done: Record = reply.json()
                return done, tries
            assert reply.status_code in (202, 409), reply.text
        raise AssertionError("there is always more to erase")

    def figures(self) -> Record:
        """The records of everybody, and what the org's dashboards say."""
        records = self.cloud.store.records(self.org_id)
        reply = self.call("dashboard", f"/api/analytics?orgId={self.org_id}")
        assert reply.status_code == 200, reply.text
        return {**records, "analytics": reply.json()["orders"]}

    def logs_left(self) -> list[str]:
        """Where in the cloud's logs one of the texts stands."""
        return [
            f"{path.name}: {text}"
            for path in self.cloud.stack.logs.rglob("*")
            if path.is_file()
            for said in [path.read_bytes().decode(errors="replace").casefold()]
            for text in map(str.casefold, WHO)
            if text in said
        ]

    def _settle(self) -> None:
        """Wait until no spending is outstanding."""
        soon = datetime.now(UTC) + timedelta(days=1)
        self._wait("spending", lambda: not outstanding(self.database, self.org_id, soon))

    def _stored(self, path: str) -> Record:
        named = path.replace("{id}", self.customer_id)
        return self.cloud.store.document(f"tenants/{self.org_id}/{named}")

    def _wait(self, what: str, holds: Callable[[], object]) -> None:
        self.cloud.wait(what, holds, PATIENCE)


def wait_until_quiet(log: Path) -> None:
    """Wait until nothing was written to a log for some seconds."""
    size = -1
    while size != (now := log.stat().st_size):
        size = now
        time.sleep(QUIET_SECONDS)


@pytest.fixture
def shop(cloud: Cloud, open_org: Callable[..., str]) -> ErasedShop:
    org_id = open_org(**SIZES)
    tenants = {each["id"]: each["document"] for each in cloud.pos.control("GET", "tenants")}
    cloud.client.document(f"tenants/{org_id}").set(tenants[org_id])
    location = cloud.client.document(f"locations/{org_id}-1000")
    location.update({"posConfig.webhookSecret": SECRET})
    found = ErasedShop(cloud, org_id)
    found.leave_traces()
    return found


def others(figures: Record, ids: set[str]) -> Record:
    """The figures but for what is the customers' own; of their orders who has bought."""
    gone = {f"cid_{each}" for each in ids} | ids | {EMAIL, TWIN_EMAIL}
    orders = {
        key: {
            name: value
            for name, value in order.items()
            if order["customerId"] not in ids | {ERASED} or name in ("total", "items", "status")
        }
        for key, order in figures["orders"].items()
    }
    people = {
        name: {key: each for key, each in figures[name].items() if key not in gone}
        for name in ("customers", "customer_spending")
    }
    return {**figures, **people, "orders": orders}


@pytest.mark.timeout(3 * PATIENCE + 120)
def test_one_customer_is_erased_from_every_document_and_log_and_stays_away(
    shop: ErasedShop, report_figure: Callable[[str], None]
) -> None:
    # Given somebody of whom something stands in most collections
    client, org_id = shop.cloud.client, shop.org_id
    before = shop.figures()
    found = left_of(client, *WHO)
    collections = {path.split("/")[2] for path in found if path.startswith(f"tenants/{org_id}/")}
    assert collections >= {
        *("customers", "orders", "customer_spending", "quarantine", "webhook_events"),
        *("metrics_reports", "metrics_state", "sync_runs", "sync_reports", "verifications"),
    }
    assert any(path.startswith("dead_letters/") for path in found)
    ids = {shop.customer_id, str(TWIN)}
    assert len(before["customers"]) == SIZES["customers"] + 1
    linked = [before["customers"][each].get("duplicateOf") for each in sorted(ids)]
    assert set(linked) & ids, "the two are one person"

    # When one record of the person is erased
    began = time.monotonic()
    done, tries = shop.erase()
    seconds = time.monotonic() - began

    # Then no document and no log has name, e-mail or telephone number
    assert left_of(client, *WHO, *(f"cid_{each}" for each in ids)) == []
    logs = [path for path in shop.cloud.stack.logs.rglob("*") if path.is_file()]
    assert any(org_id.encode() in path.read_bytes() for path in logs)
    assert shop.logs_left() == []
    assert done["state"] == "done"

    # and a full sync does not bring the person back, nor change anybody's figures
    began = time.monotonic()
    run = shop.sync("after", full=True)
    synced = time.monotonic() - began
    assert run["state"] == "succeeded"
    assert run["streams"]["customers"]["skippedReasons"]["erased"] == len(ids) + 1
    after = shop.figures()
    assert ids.isdisjoint(after["customers"])
    assert differences(others(before, ids), others(after, ids)) == []
    assert left_of(client, *WHO, *(f"cid_{each}" for each in ids)) == []
    assert shop.logs_left() == []

    searched = sum(1 for _ in documents(client))
    size = sum(path.stat().st_size for path in logs)
    steps = json.dumps({name: count for name, count in done["steps"].items() if count})
    report_figure(
        f"erased 1 of {SIZES['customers']:,} customers in {seconds:.1f} s, {tries} requests:"
        f" {steps}; found before in {len(found)} places of {len(collections)} collections, after"
        f" in none of {searched:,} documents and {len(logs)} logs ({size:,} bytes); a full sync"
        f" took {synced:.1f} s"
    )

    # And the org is erased as a whole, with what this test has put there
    hold = OrgHold(shop.database, lambda: datetime.now(UTC), patience_seconds=60)
    erase_org = EraseOrg(shop.database, hold, lambda: datetime.now(UTC), PATIENCE)
    assert not erase_org(org_id, ACTOR).more
    client.document("dead_letters/m2").delete()
    # What watches orders has asked for spending meanwhile: that is nobody's any more.
    heard = shop.cloud.stack.logs / "spending.log"
    shop.cloud.wait("that", lambda: "message_of_erased_org" in heard.read_text(), PATIENCE)
    wait_until_quiet(heard)
    assert [p for p, _ in documents(client) if p.startswith(f"tenants/{org_id}/")] == []
    assert [p for p, f in documents(client) if f.get("orgId") == org_id] == []
