"""The demo's acts. Each checks what it claims."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import Any

from deploy.local.demo import order_change
from deploy.local.demo.view import NotAsClaimed, View, wait_until
from deploy.local.paths import ROOT
from deploy.local.stack import Stack

WAIT_SECONDS = 180.0
FOLLOWS_SECONDS = 60.0
ARRIVING = 10
"""eCom orders that arrive while one looks on."""
ENDED = ("succeeded", "partial", "failed", "held")
Report = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """A stack with its POS systems."""

    stack: Stack
    view: View

    def first_sync(self) -> Report:
        """A tick of the schedule; every org's figures, checked against its POS."""
        runs = self._tick()
        return {org["id"]: self._org(org, runs[org["id"]]) for org in self.view.orgs()}

    def second_sync(self) -> Report:
        """Another tick, with nothing changed at the POS."""
        return {org_id: self._unchanged(org_id, run) for org_id, run in self._tick().items()}

    def change_an_order(self) -> Report:
        """One order changes at the POS; its customer's spending and segment follow."""
        for org in self.view.orgs("alleaves"):
            data = self.view.pos("alleaves", "GET", f"orgs/{org['id']}/data")
            change = order_change.find(data, org["timezone"])
            if change:
                return self._change(org, change)
        raise NotAsClaimed("no recent order at any POS would move a customer to another segment")

    def import_ecom_orders(self) -> Report:
        """The export of the eCom shop is imported: orders that are not at the POS yet count."""
        org, *_ = self.view.orgs("lightspeed")
        org_id = org["id"]
        spent = self._spent(org_id)
        expected = self.view.expected(org, imported=True)
        started = time.monotonic()
        said = self._import(org_id, self.view.export(org_id))
        wait_until(
            f"the eCom orders of {org_id} count for their customers",
            lambda: self.view.agrees(org_id, expected),
            FOLLOWS_SECONDS,
        )
        return {
            "orgId": org_id,
            "said": said.splitlines()[0],
            "waiting": self.view.waiting(org_id),
            "spentBefore": spent,
            "spentAfter": self._spent(org_id),
            "seconds": round(time.monotonic() - started, 3),
        }

    def let_ecom_orders_arrive(self) -> Report:
        """eCom orders that are late reach the POS: with the next sync their sales count in their
        place."""
        org, *_ = self.view.orgs("lightspeed")
        org_id = org["id"]
        before = self.view.waiting(org_id)
        asked = {"count": ARRIVING}
        found = self.view.pos("lightspeed", "POST", f"orgs/{org_id}/ecom/arrivals", asked)
        expected = self.view.expected(org, imported=True)
        started = time.monotonic()
        self.stack.publish("cron-tick", {"job": "pos-sync", "orgId": org_id})
        wait_until(
            f"{len(found['sales'])} more eCom orders of {org_id} count by their sales",
            lambda: (
                self.view.channels(org_id) == expected.channels
                and self.view.agrees(org_id, expected)
            ),
            FOLLOWS_SECONDS,
        )
        return {
            "orgId": org_id,
            "arrived": len(found["sales"]),
            "waitingBefore": before,
            "waitingAfter": self.view.waiting(org_id),
            "seconds": round(time.monotonic() - started, 3),
        }

    def _import(self, org_id: str, export: bytes) -> str:
        """Run the operator's command; what it says."""
        with NamedTemporaryFile(suffix=".csv") as file:
            file.write(export)
            file.flush()
            done = subprocess.run(
                [
                    *(sys.executable, "-m", "deploy.sam", "import-ecom", org_id, file.name),
                    *("--project", self.stack.project),
                ],
                env={
                    **os.environ,
                    "FIRESTORE_EMULATOR_HOST": self.stack.firestore,
                    "PUBSUB_EMULATOR_HOST": self.stack.pubsub,
                },
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
                timeout=WAIT_SECONDS,
            )
        if done.returncode:
            raise NotAsClaimed(f"the eCom export of {org_id} was not imported: {done.stderr}")
        return done.stdout

    def _spent(self, org_id: str) -> float:
        return float(sum(spent for spent, _, _ in self.view.figures(org_id).values()))

    def _tick(self) -> dict[str, Report]:
        """Publish a tick and wait for a new run of every org to end; the runs by org."""
        before = {org["id"]: self._last_run(org["id"]) for org in self.view.orgs()}
        self.stack.publish("cron-tick", {"job": "pos-sync"})
        wait_until(
            "every org has a new run that ended",
            lambda: all(self._last_run(org) != run for org, run in before.items()),
            WAIT_SECONDS,
        )
        return {org: self.view.run(org, self._last_run(org)) for org in before}

    def _last_run(self, org_id: str) -> str:
        return str(self.view.status(org_id).get("lastRunId", ""))

    def _org(self, org: Report, run: Report) -> Report:
        org_id = org["id"]
        if run["state"] != "succeeded":
            raise NotAsClaimed(f"the sync of {org_id} ended {run['state']}: {run.get('error')}")
        expected = self.view.expected(org)
        wait_until(
            f"the customers of {org_id} have the spending and segment that their orders say",
            lambda: self.view.agrees(org_id, expected),
            WAIT_SECONDS,
        )
        status = self.view.status(org_id)
        channels = self.view.channels(org_id)
        figures = {
            "provider": org["provider"],
            "customers": self.view.count(f"tenants/{org_id}/customers"),
            "orders": self.view.count(f"tenants/{org_id}/orders"),
            "retailOrders": channels.get("retail", 0),
            "ecomOrders": channels.get("ecom", 0),
            "ordersSkipped": status["ordersSkipped"],
            "products": self.view.count(f"tenants/{org_id}/publicViews/products/items"),
            "customerSpending": self.view.count(f"tenants/{org_id}/customer_spending"),
            "segments": self.view.segments(org_id),
            "seconds": status["durationSeconds"],
        }
        claims = {
            "customers": len(expected.figures),
            "orders": expected.orders,
            "retailOrders": expected.channels.get("retail", 0),
            "ecomOrders": expected.channels.get("ecom", 0),
            "ordersSkipped": expected.skipped,
            "products": expected.products,
        }
        for name, claimed in claims.items():
            if figures[name] != claimed:
                raise NotAsClaimed(f"{org_id} has {figures[name]} {name}, its POS {claimed}")
        return figures

    def _unchanged(self, org_id: str, run: Report) -> Report:
        streams = run["streams"].values()
        written = sum(s["created"] + s["updated"] + s["deleted"] for s in streams)
        if written:
            raise NotAsClaimed(f"the second sync of {org_id} changed {written} records")
        seconds = (run["endedAt"] - run["startedAt"]).total_seconds()
        return {
            "recordWrites": written,
            "reads": run["cost"]["reads"],
            "writes": run["cost"]["writes"],
            "seconds": round(seconds, 3),
        }

    def _change(self, org: Report, change: order_change.OrderChange) -> Report:
        org_id = org["id"]
        path = f"orgs/{org_id}/orders/{change.order_id}"
        self.view.pos("alleaves", "PATCH", path, change.fields)
        expected = self.view.expected(org)
        customer_id = str(change.customer_id)
        spent_before = self.view.figures(org_id)[customer_id][0]
        started = time.monotonic()
        self.stack.publish("cron-tick", {"job": "pos-sync", "orgId": org_id})
        wait_until(
            f"customer {change.customer_id} of {org_id} is {change.after}",
            lambda: self.view.agrees(org_id, expected),
            FOLLOWS_SECONDS,
        )
        spent, _, segment = self.view.figures(org_id)[customer_id]
        customer = self.view.document(f"tenants/{org_id}/customers/{change.customer_id}")
        return {
            "seconds": round(time.monotonic() - started, 3),
            "orgId": org_id,
            "orderId": change.order_id,
            "customerId": change.customer_id,
            "change": {
                name: change.fields[name] for name in change.fields if name != "date_updated"
            },
            "spentBefore": float(spent_before),
            "spentAfter": float(spent),
            "segmentBefore": change.before,
            "segmentAfter": segment,
            "reason": customer["segmentReason"],
        }
