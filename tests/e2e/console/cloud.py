"""The local cloud of the console's tests: two orgs, synced once, one in trouble (troubled.py), and
people of each role."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest.mock import patch

from google.cloud.firestore import Client

from deploy.local.identity import people
from deploy.local.identity.people import LocalPerson
from deploy.local.simulator.server import Server, serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import OrgSpec
from deploy.local.stack import AUTH_EMULATOR, Stack
from deploy.manifest import Manifest
from shared.clock import utc_now
from tests.e2e.cloud import Cloud, strict_cloud
from tests.e2e.console import troubled

ORG, OTHER_ORG = "org_birch", "org_elm"
PASSWORD = "a password of tests"
SPECS = (
    OrgSpec(id=ORG, seed=5, customers=120, orders=160, products=24, rows=40, locations=2),
    OrgSpec(id=OTHER_ORG, seed=6, customers=12, orders=8, products=6, rows=6),
)
FUNCTIONS = (
    *("dashboard", "manual_sync", "loyalty_api", "admin_api"),
    *("org_sync", "spending", "cron_fanout"),
)
DIFFERING = ("100046", "100049")
"""Customers of ORG whose points differ from Alpine IQ's by more than a tenth."""


class ConsoleCloud(Cloud):
    """The whole cloud behind one origin, and who can sign in there."""

    look_seconds = 0.05

    def __init__(self, stack: Stack, client: Client, server: Server) -> None:
        super().__init__(stack, client, server)
        assert stack.auth is not None
        self.auth = stack.auth
        staff = people.of_orgs((ORG, OTHER_ORG), PASSWORD)
        people.create(self.auth, stack.project, staff)
        self.people = [*stack.people, *staff]

    def person(self, role: str, org_id: str = ORG) -> LocalPerson:
        """Somebody with a role; of an org, where the role is of one."""
        return next(
            each for each in self.people if each.role == role and each.org_id in (None, org_id)
        )

    def sync(self) -> None:
        """Have every org synced once, and wait until its customers' spending is computed."""
        self.stack.publish("cron-tick", {"job": "pos-sync", "spreadSeconds": 0})
        for org_id in (ORG, OTHER_ORG):
            self.wait(f"{org_id} is synced", partial(self._computed, org_id), 90)

    def have_differing_points(self) -> None:
        """Store what a loyalty run would where Alpine IQ says otherwise than the orders."""
        for number, customer_id in enumerate(DIFFERING):
            self.client.document(f"tenants/{ORG}/customers/{customer_id}").update(
                {
                    "points": 620 + number,
                    "pointsFromAlpine": 620 + number,
                    "pointsFromOrders": 481,
                    "loyaltyDiscrepancy": 139 + number,
                    "tierSource": "alpine_iq",
                    "loyaltyTier": "silver",
                    "loyaltyReconciled": False,
                    "pointsLastCalculated": utc_now(),
                }
            )

    def _computed(self, org_id: str) -> bool:
        found = self.client.collection(f"tenants/{org_id}/customers").limit(1).get()
        return bool(found) and "segment" in (found[0].to_dict() or {})


@contextmanager
def console_cloud(logs: Path) -> Iterator[ConsoleCloud]:
    """A running one."""
    quick = (
        Manifest.read().for_local_cloud().with_policy(min_backoff_seconds=1, max_backoff_seconds=2)
    )
    with (
        # Google's own emulator, where it is named, is for `make local`.
        patch.dict(os.environ, {AUTH_EMULATOR: ""}),
        serve(Simulation(SPECS)) as pos,
        strict_cloud(quick, logs, only=FUNCTIONS, extra_env={}, identity=True) as (stack, client),
    ):
        for location in pos.locations():
            client.document(f"locations/{location['id']}").set(location["document"])
        cloud = ConsoleCloud(stack, client, pos)
        cloud.sync()
        cloud.have_differing_points()
        troubled.write(client)
        yield cloud
