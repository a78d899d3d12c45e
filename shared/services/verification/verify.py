"""Does Firestore equal the POS? Everything is read anew on both sides and compared both ways.

1. The POS is read through the port, provider by provider, while the documents are read beside.
2. Each record's document should be as a sync would write it (``records``); a document that the POS
   has no record of is a stray, unless another program wrote it.
3. Spending and segments are counted once more from the POS's orders (``figures``).
4. What seems to differ is looked at a second time: what changed meanwhile is no difference.

Nothing is written, so no lease is needed: syncs may be under way.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

import structlog

from shared.clock import Clock, Deadline
from shared.domain.ecom import SOURCE as ECOM
from shared.domain.providers import LIGHTSPEED, PROVIDERS
from shared.domain.public_menu import MenuFilter
from shared.errors import OrgError, ProviderError, SyncSamError
from shared.services.reads.menu import PublicMenu
from shared.services.sync.pos_locations import OpenPos, read_org
from shared.services.verification.expected_figures import Recount, recount, sales_of
from shared.services.verification.figures import FigureComparison
from shared.services.verification.loyalty import LoyaltySample
from shared.services.verification.pos_reading import PosReading
from shared.services.verification.pos_side import PosSide
from shared.services.verification.records import RecordComparison
from shared.services.verification.recount import dollars
from shared.services.verification.result import (
    CacheReport,
    Compared,
    CustomerReport,
    Difference,
    OrderReport,
    ProductReport,
    Progress,
    TopSpender,
    Verification,
    quiet,
    share,
    shares,
)
from shared.services.verification.sample import SampleReading
from shared.services.verification.second_look import Looked
from shared.services.verification.stored_side import StoredOrder, StoredReading, StoredSide, whose
from shared.store import paths
from shared.store.database import Database
from shared.store.orders import SUPERSEDED_BY

PATIENCE_SECONDS = 20.0
OTHERS_NAMED = 50

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Verify:
    """Verifies orgs. ``seconds`` is how long one verification may take; ``patience_seconds`` how
    long it waits for spending that is being computed."""

    database: Database
    open_pos: OpenPos
    clock: Clock
    seconds: float
    patience_seconds: float = PATIENCE_SECONDS

    def __call__(
        self, org_id: str, *, sample: int | None = None, progress: Progress = quiet
    ) -> Verification:
        """Compare all of an org, or a ``sample`` (see SampleReading) of so many customers and as
        many orders. Of several providers one that cannot be read leaves the others. Raises
        ConfigurationInvalid, what the POS raises, and OutOfTime where the time is too short to
        read everything once."""
        began, started = self.clock(), time.monotonic()
        deadline = Deadline(self.seconds)
        configured = read_org(self.database, org_id)
        kind = PosReading if sample is None else partial(SampleReading, sample)
        readings: list[PosReading] = []
        sides: list[PosSide] = []
        failed: dict[str, SyncSamError] = {}
        with ExitStack() as open_together:
            beside = open_together.enter_context(
                StoredReading(self.database, org_id, progress, catalogue_only=sample is not None)
            )
            for provider in configured.providers:
                reading = kind(
                    self.database,
                    configured,
                    provider,
                    self.open_pos,
                    clock=self.clock,
                    deadline=deadline,
                    began=began,
                    progress=progress,
                )
                try:
                    sides.append(open_together.enter_context(reading).read(beside))
                except (OrgError, ProviderError) as error:
                    failed[provider] = error
                else:
                    readings.append(reading)
            if not sides:
                raise next(iter(failed.values()))
            found = _Comparison(self, org_id, readings, sides, beside.all())
            result = found.result(began)
        seconds = round(time.monotonic() - started, 3)
        log.info("org_verified", org_id=org_id, ok=result.ok, duration_seconds=seconds)
        not_verified = {provider: str(error) for provider, error in failed.items()}
        told = {"seconds": seconds, "sample": sample, "not_verified": not_verified}
        return result.model_copy(update=told)


class _Comparison:
    """The comparison of one org, all of which is read."""

    def __init__(
        self,
        verify: Verify,
        org_id: str,
        readings: Sequence[PosReading],
        sides: Sequence[PosSide],
        stored: StoredSide,
    ) -> None:
        self._verify = verify
        self._org_id = org_id
        self._sides = sides
        self._stored = stored
        self._records = [
            RecordComparison(reading, side, stored)
            for reading, side in zip(readings, sides, strict=True)
        ]
        self._differences: list[Difference] = []
        self._meanwhile: dict[str, set[str]] = {}
        self._more = 0

    def result(self, began: datetime) -> Verification:
        """Compare, look at it once more, and report."""
        for comparison in self._records:
            self._take("customers", comparison.customers())
            self._take("orders", comparison.orders())
            kept, on_menu, offered = comparison.catalogue()
            self._take("products", kept)
            self._take("products", on_menu)
            self._take("discounts", offered)
        self._differences += self._doubly_counted()
        meanwhile = self._meanwhile["customers"] | self._meanwhile["orders"]
        counted = recount(self._sides, self._stored, self._unwanted)
        verify = self._verify
        compare_figures = FigureComparison(
            verify.database,
            self._org_id,
            self._sides,
            self._stored,
            counted,
            meanwhile,
            verify.clock,
            verify.patience_seconds,
        )
        self._take("spending", compare_figures())
        of_points = LoyaltySample(
            verify.database, self._org_id, {i: counted.figures[i] for i in counted.verified}
        )
        loyalty, points = of_points()
        self._differences += [*points, *self._metadata()]
        others = self._records[0].others()
        return Verification(
            org_id=self._org_id,
            verified_at=began,
            seconds=0,
            providers=tuple(side.provider for side in self._sides),
            differences=tuple(self._differences),
            more=self._more,
            customers=self._customers(counted),
            orders=self._orders(counted),
            products=self._products(),
            discounts=self._compared("discounts"),
            loyalty=loyalty,
            others=tuple(islice(others, OTHERS_NAMED)),
            cache=_cache(verify.database, self._org_id, verify.clock),
        )

    def _take(self, what: str, looked: Looked) -> None:
        self._differences += looked.differences
        self._meanwhile.setdefault(what, set()).update(looked.meanwhile)
        self._more += looked.more

    def _metadata(self) -> list[Difference]:
        """Brands, categories, vendors and locations that differ."""
        found: list[Difference] = []
        for comparison in self._records:
            found += comparison.metadata()
        return found

    def _doubly_counted(self) -> list[Difference]:
        """Imported orders that count beside their sales."""
        found = sales_of(self._sides, self._stored)
        collection = paths.orders(self._org_id)
        documents = self._verify.database.get_all([f"{collection}/{key}" for key in found])
        return [
            Difference(
                kind="imported_order_counts_twice",
                path=f"{collection}/{key}",
                expected={SUPERSEDED_BY: sale},
                provider=LIGHTSPEED,
            )
            for key, sale in found.items()
            if (document := documents[f"{collection}/{key}"]).exists
            and not document.fields.get(SUPERSEDED_BY)
        ]

    def _unwanted(self, order: StoredOrder) -> bool:
        """Whether an order is not listed: of one in a sample its document counts."""
        for comparison in self._records:
            if comparison.provider == order.source:
                return bool(comparison.side.sampled) or comparison.unwanted(order)
        return False

    def _compared(self, what: str) -> Compared:
        """The counts of one kind of record."""
        stored = getattr(self._stored, what)
        providers = {side.provider for side in self._sides}
        ours = [known for known in stored.values() if whose(known) in providers]
        known_sources = {*PROVIDERS, ECOM}
        sampled = [side.sampled for side in self._sides if side.sampled]
        if sampled and what in sampled[0].ids:
            at_pos = sum(each.at_pos[what] for each in sampled)
            there = sampled[0].stored[what]
        else:
            at_pos = sum(len(getattr(side, what)) for side in self._sides)
            there = sum(1 for known in ours if not known.removed)
        return Compared(
            at_pos=at_pos,
            stored=there,
            others=sum(1 for known in stored.values() if whose(known) not in known_sources),
            in_quarantine=sum(
                len(side.unsure[what]) + side.nameless.get(what, 0) for side in self._sides
            ),
            changed_meanwhile=len(self._meanwhile[what]),
        )

    def _customers(self, counted: Recount) -> CustomerReport:
        spent = {i: counted.figures[i] for i in counted.figures}
        buyers = [i for i, figures in spent.items() if figures.orders]
        top = max(buyers, key=lambda i: (spent[i].cents, i), default=None)
        total = sum(spent[i].cents for i in buyers)
        average = dollars(round(total / len(buyers))) if buyers else 0
        segments = (
            known.segment
            for i in spent
            if (known := self._stored.customers.get(i)) and known.segment
        )
        compared, kept = self._compared("customers"), self._kept()
        if not any(side.sampled for side in self._sides):
            compared = compared.model_copy(update={"stored": compared.stored - kept})
        return CustomerReport(
            **dict(compared),
            kept=kept,
            with_orders=share(len(buyers), len(spent)),
            average_spent=average,
            top_spender=top and self._top(top, dollars(spent[top].cents)),
            segments=shares(segments),
        )

    def _kept(self) -> int:
        """How many customers are stored whom the POS has deleted; of a sample those in it."""
        gone = (i for side in self._sides for i in side.kept - side.customers.keys())
        stored = self._stored.customers
        return sum(1 for i in gone if (known := stored.get(i)) and not known.removed)

    def _top(self, customer_id: str, spent: float) -> TopSpender:
        path = f"{paths.customers(self._org_id)}/{customer_id}"
        fields = self._verify.database.get_all([path], ["firstName", "lastName"])[path].fields
        name = " ".join(str(fields[n]) for n in ("firstName", "lastName") if fields.get(n))
        return TopSpender(customer_id=customer_id, total_spent=spent, name=name or None)

    def _orders(self, counted: Recount) -> OrderReport:
        imported = [known for known in self._stored.orders.values() if known.source == ECOM]
        return OrderReport(
            **dict(self._compared("orders")),
            total=len(counted.statuses),
            revenue=dollars(counted.counted.cents),
            average_order=dollars(counted.counted.average),
            skipped=sum(
                1 for side in self._sides for order in side.orders.values() if order.owner is None
            ),
            imported=len(imported),
            superseded=sum(1 for known in imported if known.superseded),
            statuses=shares(counted.statuses),
        )

    def _products(self) -> ProductReport:
        listed = [fields for side in self._sides for fields in side.products.values()]
        return ProductReport(
            **dict(self._compared("products")),
            on_menu=len(self._stored.menu),
            on_sale=sum(1 for fields in listed if fields.get("isOnSale")),
            priced=share(sum(1 for fields in listed if fields.get("price")), len(listed)),
        )


def _cache(database: Database, org_id: str, clock: Clock) -> CacheReport:
    """Read the menu twice, as the dashboard does."""
    menu = PublicMenu(database, clock)

    def read() -> float:
        began = time.perf_counter()
        menu.page(org_id, MenuFilter(), cursor=None, limit=50)
        return round((time.perf_counter() - began) * 1000, 2)

    first, second = read(), read()
    return CacheReport(first_ms=first, second_ms=second, faster=second < first)
