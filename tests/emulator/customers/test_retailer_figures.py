"""Every figure of every customer of a retailer is that of pandas, whatever came first: the sync,
the export of the web shop, the late sales of its orders, the customers."""

import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from google.cloud.firestore import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.local.simulator.lightspeed.seed.people import new_person
from deploy.local.simulator.lightspeed.spec import RetailerSpec
from deploy.local.simulator.lightspeed.truth import digits_of
from deploy.local.simulator.spec import OrgSpec
from shared.services.ecom import importing, linking
from shared.services.spending import compute
from shared.services.sync import session
from tests.emulator.customers.retailer import RetailerOrg, part_of
from tests.emulator.environment import SpendingRunner, SyncRunner
from tests.fakes import OffsetClock
from tests.simulated_lightspeed import SimulatedLightspeed
from tests.simulated_pos import Record

LONG = bool(os.environ.get("LONG"))
EXAMPLES = 60 if LONG else 2
SMALL = RetailerSpec(
    id="org_small", customers=60, sales=220, ecom_orders=40, late=14, products=12, seed=3
)
CUSTOMERS, SALES, ECOM_ORDERS = (900, 1_400, 650) if LONG else (160, 250, 134)
LARGE = RetailerSpec(
    id="org_large",
    customers=CUSTOMERS,
    sales=SALES,
    ecom_orders=ECOM_ORDERS,
    late=ECOM_ORDERS // 3,
    products=40,
    seed=9,
)
"""More new customers and waiting orders than are looked up one by one, more buyers than are asked
for by name: of limits that are a third of what they are, except in the long form."""
LIMITS = (
    (linking, "KEYS_LOOKED_UP"),
    (linking, "WAITING_AT_ONCE"),
    (importing, "MANY_CUSTOMERS"),
    (session, "MANY_CUSTOMERS"),
    (compute, "FULL_SCAN_FROM"),
)


@pytest.fixture
def specs() -> Sequence[OrgSpec]:
    """Nobody at Alleaves."""
    return ()


@pytest.fixture
def retailers() -> Sequence[RetailerSpec]:
    """None: each test opens its own."""
    return ()


Opened = Callable[[RetailerSpec], RetailerOrg]


@pytest.fixture
def opened(
    client: Client,
    lightspeed: SimulatedLightspeed,
    sync: SyncRunner,
    spending: SpendingRunner,
    clock: OffsetClock,
    tmp_path: Path,
) -> Opened:
    def made(spec: RetailerSpec) -> RetailerOrg:
        lightspeed.open(spec)
        for location in lightspeed.control("GET", "locations"):
            client.document(f"locations/{location['id']}").set(location["document"])
        return RetailerOrg(spec, lightspeed, sync, spending, clock, tmp_path)

    return made


@dataclass
class Events:
    """What may happen at a retailer and to its org. ``pick`` says to which record, of those that
    it may happen to."""

    org: RetailerOrg
    earlier: str = ""
    """The export as it was when it was last imported."""

    def sync(self, pick: int) -> None:
        self.org.sync()

    def import_(self, pick: int) -> None:
        self.earlier = self.org.export()
        self.org.bring_in(self.earlier)

    def import_a_part(self, pick: int) -> None:
        numbers = sorted({int(row["order_number"]) for row in self._rows("ecom")})
        self.org.bring_in(
            part_of(self.org.export(), Random(pick).sample(numbers, len(numbers) // 2))
        )

    def import_the_earlier_file_again(self, pick: int) -> None:
        if self.earlier:
            self.org.bring_in(self.earlier)

    def some_arrive(self, pick: int) -> None:
        late = self.org.lightspeed.late_orders(self.org.id)
        if late:
            self.org.lightspeed.let_arrive(
                self.org.id, *Random(pick).sample(late, 1 + len(late) // 3)
            )

    def somebody_orders_in_the_web_shop(self, pick: int) -> None:
        self.org.lightspeed.place_ecom_order(self.org.id)

    def a_sale_is_voided(self, pick: int) -> None:
        self._set_status(pick, "VOIDED")

    def a_sale_is_closed(self, pick: int) -> None:
        self._set_status(pick, "CLOSED")

    def a_sale_is_deleted(self, pick: int) -> None:
        """One of the web shop only once it was synced: what was never stored takes nobody's
        place."""
        sale = self._choose("sales", pick)
        if sale["source_id"]:
            self.org.sync()
        self.org.lightspeed.delete(self.org.id, "sales", sale["id"])

    def somebody_buys_a_lot(self, pick: int) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        sold = {
            **self._choose("sales", pick),
            "id": str(uuid.UUID(int=Random(pick).getrandbits(128))),
            "note": "",
            "customer_id": self._choose("customers", pick)["id"],
            "source": "USER",
            **dict.fromkeys(("total_price", "total_price_incl"), 260 * (1 + pick % 7)),
            **dict.fromkeys(("created_at", "updated_at", "sale_date"), now),
            **dict.fromkeys(("source_id", "return_for", "deleted_at")),
            "status": "CLOSED",
            "state": "closed",
            "attributes": [],
        }
        self.org.lightspeed.add(self.org.id, "sales", sold)

    def a_customer_appears(self, pick: int) -> None:
        """Somebody who has ordered in the web shop before, if there is one whom the retailer does
        not know."""
        people = self._rows("customers")
        emails = {each["email"] for each in people}
        phones = {digits_of(each["mobile"] or each["phone"]) for each in people}
        strangers = [
            order
            for order in self._rows("ecom")
            if order["email"] not in emails and digits_of(order["bill_person_phone"]) not in phones
        ]
        new = strangers[pick % len(strangers)]["email"] if strangers else f"new{pick}@example.net"
        now = datetime.now(UTC).isoformat(timespec="seconds")
        person_id = str(uuid.UUID(int=Random(pick).getrandbits(128)))
        person = new_person(person_id, "Ines", f"Newcomer{pick}", new, "", now)
        self.org.lightspeed.add(self.org.id, "customers", person)

    def spending_is_computed(self, pick: int) -> None:
        self.org.compute()

    def the_week_ends(self, pick: int) -> None:
        self.org.report()

    def _set_status(self, pick: int, status: str) -> None:
        self.org.lightspeed.set_status(self.org.id, self._choose("sales", pick)["id"], status)

    def _choose(self, kind: str, pick: int) -> Record:
        rows = self._rows(kind)
        return rows[pick % len(rows)]

    def _rows(self, kind: str) -> list[Record]:
        return [
            row for row in self.org.lightspeed.data(self.org.id)[kind] if not row.get("deleted_at")
        ]


EVENTS = [
    *sorted(name for name in vars(Events) if callable(getattr(Events, name)) and name[0] != "_"),
    *("sync", "import_", "some_arrive"),
]
"""Each at least once."""


@pytest.mark.timeout(600)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(order=st.permutations(EVENTS), pick=st.integers(0, 9_999), sync_last=st.booleans())
def test_the_order_of_events_changes_no_figure(
    opened: Opened, order: Sequence[str], pick: int, sync_last: bool
) -> None:
    """In the end the last export is imported and the last change is synced."""
    # Given
    spec = SMALL.model_copy(update={"id": f"org_{uuid.uuid4().hex[:8]}"})
    events = Events(opened(spec))
    # When
    for turn, event in enumerate(order):
        getattr(events, event)(pick + 7 * turn)
    last = [events.sync, events.import_]
    for happens in last if sync_last else reversed(last):
        happens(pick)
    # Then
    events.org.check()


@pytest.mark.timeout(600)
def test_the_export_of_hundreds_may_come_before_their_first_sync(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, limit in LIMITS:
        monkeypatch.setattr(module, limit, getattr(module, limit) // (1 if LONG else 3))
    # Given
    org = opened(LARGE)
    # When nobody is known at first, and a third of the orders that were late arrives in the end
    org.bring_in(org.export())
    org.sync()
    org.compute()
    org.report()
    late = org.lightspeed.late_orders(LARGE.id)
    org.lightspeed.let_arrive(LARGE.id, *late[: len(late) // 3])
    org.bring_in(org.export())
    org.sync()
    # Then
    figures = org.check()
    # and the retailer has what a real one has
    assert len(figures) > CUSTOMERS * 0.9
    assert {"new", "loyal", "returning", "churned", "at_risk"} <= set(figures["segment"])
    assert (figures["duplicate_of"] != "").any()
    assert (figures["ecom_cents"] > 0).sum() > ECOM_ORDERS // 3
