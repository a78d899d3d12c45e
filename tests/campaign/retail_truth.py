"""What is to be stored of an org's part at the simulated X-Series, by its own data."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from deploy.local.simulator.lightspeed.retailer import SimulatedRetailer
from deploy.local.simulator.lightspeed.truth import RetailerTruth, address_of
from tests.campaign.hostile_records import is_ordinary
from tests.campaign.retail_records import OWNER_ID, RetailRecord
from tests.campaign.stored import MENU, Documents

Record = dict[str, Any]

PREFIX = "lightspeed_"


@dataclass(slots=True)
class RetailTruth:
    """``exported`` is the export of the eCom shop that was imported last, as the text of a file;
    empty where none was. Of the hostile ``records`` nothing is said."""

    retailer: SimulatedRetailer
    records: Sequence[RetailRecord] = ()
    exported: str = field(default="", repr=False)

    def export(self) -> str:
        """The export as it would be made now."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=";", lineterminator="\n")
        writer.writerows(self.retailer.data.export())
        return text.getvalue()

    def truth(self, others: Iterable[Mapping[str, Any]]) -> RetailerTruth:
        """Orders and figures; ``others`` are the customers that the org has elsewhere, whom an eCom
        order may be matched with."""
        rows = csv.DictReader(io.StringIO(self.exported), delimiter=";")
        data = {
            "customers": [*map(_as_customer, others), *self._rows("customers")],
            "sales": self._rows("sales"),
            "registers": self._rows("registers"),
            "ecom": list(rows),
        }
        return RetailerTruth(data, self.retailer.spec.timezone)

    def emails(self) -> dict[str, str]:
        """The e-mail of each customer who has one, by id."""
        found = {str(row["id"]): address_of(row) for row in self._living("customers")}
        return {key: email for key, email in found.items() if email}

    def customers(self) -> set[str]:
        """Ids of the customers."""
        return {str(row["id"]) for row in self._living("customers")}

    def products(self) -> dict[str, Record]:
        """What is sold, by id."""
        return {str(row["id"]): row for row in self._living("products") if row["is_active"]}

    def deleted_customers(self) -> dict[str, str]:
        """Those deleted, by id, with their e-mails."""
        rows = (row for row in self._rows("customers") if row["deleted_at"])
        return {str(row["id"]): address_of(row) or "" for row in rows}

    def deleted(self) -> set[str]:
        """Ids of the documents of customers and orders that are deleted there."""
        sales = (row for row in self._rows("sales") if row["deleted_at"])
        return {f"{PREFIX}{row['id']}" for row in sales} | self.deleted_customers().keys()

    def hostile(self, collection: str) -> set[str]:
        """Ids of the documents that hostile records may be."""
        found = {each.document for each in self.records if each.collection == collection}
        return found | ({OWNER_ID} if collection == "customers" else set())

    def hostile_emails(self) -> set[str]:
        """E-mails of hostile customers, under which spending may be kept."""
        rows = self.retailer.data.table("customers")
        emails = (row["email"] for row in rows if not is_ordinary(row))
        return {email.strip().lower() for email in emails if isinstance(email, str)}

    def wrong_products(self, menu: Documents) -> Iterator[str]:
        """Where a price or a quantity on the menu is not that of the shop."""
        levels: dict[str, Decimal] = {}
        for row in self.retailer.data.table("inventory"):
            level = max(Decimal(str(row["inventory_level"])), Decimal(0))
            levels[row["product_id"]] = levels.get(row["product_id"], Decimal(0)) + level
        for key, product in self.products().items():
            found = menu.get(key, {})
            price = Decimal(str(product["price_including_tax"]))
            if Decimal(str(found.get("price", "NaN"))) != price:
                yield f"{MENU}/{key} costs {found.get('price')}, not {price}"
            if Decimal(str(found.get("quantity", "NaN"))) != levels.get(key, Decimal(0)):
                yield f"{MENU}/{key}: {found.get('quantity')} are there, not {levels.get(key)}"

    def wrong_orders(self, truth: RetailerTruth, orders: Documents) -> Iterator[str]:
        """Where an order is not what its sale, or the export, says."""
        for key, order in truth.orders.items():
            found = orders.get(key, {})
            said = {
                "customerId": order.customer_id,
                "total": float(order.total),
                "channel": order.channel,
                "ecomNumber": order.ecom_number,
                "supersededBy": order.superseded_by,
            }
            for name, value in said.items():
                if found.get(name) != value:
                    yield f"orders/{key}: {name} is {found.get(name)!r}, not {value!r}"

    def _living(self, kind: str) -> list[Record]:
        return [row for row in self._rows(kind) if not row["deleted_at"]]

    def _rows(self, kind: str) -> list[Record]:
        return list(filter(is_ordinary, self.retailer.data.table(kind)))


def _as_customer(other: Mapping[str, Any]) -> Record:
    return {
        "id": str(other["id_customer"]),
        "email": other["email"],
        "mobile": other["phone"],
        "phone": None,
        "deleted_at": None,
    }
