"""A sample of customers whose points are counted once more from what they have spent."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from shared.domain.changes import REMOVED_AT
from shared.domain.loyalty import LoyaltyRules
from shared.errors import ConfigurationInvalid
from shared.services.verification.recount import Figures
from shared.services.verification.result import Difference, LoyaltyReport
from shared.services.verification.stored_side import id_key
from shared.store import paths, spending, tenants
from shared.store.database import Database, Fields

SAMPLE = 50
_READ = ("pointsFromOrders", "pointsLastCalculated", "socialEquity", REMOVED_AT)


@dataclass(frozen=True, slots=True)
class LoyaltySample:
    """Compares the points of some customers, by their recounted ``figures``."""

    database: Database
    org_id: str
    figures: Mapping[str, Figures]

    def __call__(self) -> tuple[LoyaltyReport, list[Difference]]:
        """Those that differ. The points of a customer whose spending has changed since they were
        calculated are not compared, nor any where the org's loyalty settings are not valid."""
        try:
            rules = tenants.read_loyalty(self.database, self.org_id).rules()
        except ConfigurationInvalid:
            return LoyaltyReport(), []
        found = list(self._sampled())
        differences = [
            Difference(
                kind="points_differ",
                path=f"{paths.customers(self.org_id)}/{customer_id}",
                stored={"pointsFromOrders": fields.get("pointsFromOrders")},
                expected={"pointsFromOrders": expected},
                awaits_sync=True,  # the next loyalty run writes them
                customer_id=customer_id,
            )
            for customer_id, fields in found
            if fields.get("pointsFromOrders")
            != (expected := self._points(customer_id, fields, rules))
        ]
        return LoyaltyReport(sampled=len(found), differing=len(differences)), differences

    def _sampled(self) -> Iterator[tuple[str, Fields]]:
        ids = sorted(self.figures, key=_scattered)[:SAMPLE]
        people = {i: f"{paths.customers(self.org_id)}/{i}" for i in ids}
        own = {i: spending.spending_path(self.org_id, id_key(i)) for i in ids}
        found = self.database.get_all(list(people.values()), _READ)
        spent = self.database.get_all(list(own.values()), ["updatedAt"])
        for customer_id, path in people.items():
            fields = found[path].fields
            calculated = fields.get("pointsLastCalculated")
            changed = spent[own[customer_id]].fields.get("updatedAt")
            if calculated and changed and changed <= calculated and not fields.get(REMOVED_AT):
                yield customer_id, fields

    def _points(self, customer_id: str, fields: Fields, rules: LoyaltyRules) -> int:
        dollars = Decimal(max(0, self.figures[customer_id].cents)) / 100
        multiplier = rules.equity_multiplier if fields.get("socialEquity") else Decimal(1)
        points = dollars * rules.points_per_dollar * multiplier
        return int(points.quantize(Decimal(1), ROUND_HALF_UP))


def _scattered(customer_id: str) -> bytes:
    return hashlib.blake2b(customer_id.encode(), digest_size=8).digest()
