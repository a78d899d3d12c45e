"""Drawing orgs at the simulated X-Series: how large, and when its shop is exported."""

from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from deploy.local.simulator.lightspeed.spec import RetailerSpec
from deploy.local.simulator.spec import OrgSpec
from tests.campaign.process_fault import ProcessFault

LIGHTSPEED_SHARE = 1 / 6
MIXED_SHARE = 1 / 6
MOST_COMMITS = 6
"""At one of so many commits an import is killed, if it is."""


@dataclass(frozen=True, slots=True)
class Import:
    """The export of an org's eCom shop is imported in the ``tick``-th tick (0-based), so many times
    one after the other; the first time with a fault, if there is one."""

    org_id: str
    tick: int
    times: int
    process_fault: ProcessFault | None

    def __str__(self) -> str:
        ends = f", {self.process_fault}" if self.process_fault else ""
        return f"import of {self.org_id} with tick {self.tick + 1}, {self.times} times{ends}"


def share(
    dice: Random, org: OrgSpec, days: Random
) -> tuple[tuple[OrgSpec, ...], tuple[RetailerSpec, ...]]:
    """The org at Alleaves and at X-Series: one of both, or each with a location."""
    drawn = dice.random()
    if drawn >= LIGHTSPEED_SHARE + MIXED_SHARE:
        return (org,), ()
    if drawn < LIGHTSPEED_SHARE:
        return (), (_retailer(days, org),)
    smaller = org.model_copy(
        update={"customers": org.customers // 3 + 20, "orders": org.orders // 3 + 20}
    )
    return (smaller,), (_retailer(days, org),)


def draw_imports(
    dice: Random, retailers: tuple[RetailerSpec, ...], ticks: int
) -> tuple[Import, ...]:
    """An import now and then, killed now and then."""
    found = []
    for each in retailers:
        for _ in range(dice.choice((0, 1, 1, 2))):
            side: Literal["before", "after"] = dice.choice(("before", "after"))
            fault = ProcessFault("killed", dice.randint(1, MOST_COMMITS), side)
            drawn = Import(
                each.org_id,
                dice.randrange(ticks),
                dice.choice((1, 1, 2)),
                fault if dice.random() < 0.5 else None,
            )
            found.append(drawn)
    return tuple(found)


def without_kills(imports: tuple[Import, ...]) -> tuple[Import, ...]:
    """The same, none of them killed."""
    return tuple(replace(each, process_fault=None) for each in imports)


def _retailer(dice: Random, org: OrgSpec) -> RetailerSpec:
    ecom = dice.randint(8, 30)
    return RetailerSpec(
        id=org.id.replace("org_", "till_"),
        org=org.id,
        customers=dice.randint(30, 110),
        sales=ecom + dice.randint(40, 130),
        ecom_orders=ecom,
        late=dice.randint(0, ecom // 2),
        products=dice.randint(15, 40),
        outlets=dice.choice((1, 1, 2)),
        timezone=org.timezone,
        rate_window_seconds=dice.choice((None, 300.0)),
        page_limit=dice.choice((None, 12, 40)),
        seed=org.seed,
    )
