"""One provider's records held against the documents, found by digest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.domain.ecom import SOURCE as ECOM
from shared.domain.providers import PROVIDERS
from shared.services.verification.result import Difference
from shared.services.verification.second_look import Again, Look, Looked, Problem, SecondLook
from shared.services.verification.stored_side import (
    PRODUCT_FIELDS,
    StoredCustomer,
    StoredOrder,
    StoredProduct,
    customer_in,
    discount_in,
    order_in,
    product_digest,
    product_in,
)
from shared.store import customers, discounts, orders, paths
from shared.store.database import Document, Fields
from shared.store.documents import Schema


@dataclass(frozen=True, slots=True)
class RecordComparison(SecondLook):
    """Compares one provider's side with what is stored."""

    def customers(self) -> Looked:
        """The customers that differ."""
        if self.side.sampled:
            sampled: dict[str, Problem] = dict.fromkeys(
                self.side.sampled.ids["customers"], "differs"
            )
            return self.looked(sampled, paths.customers(self.org_id), self._look_at_customers)
        found: dict[str, Problem] = {}
        expected, unsure = self.side.customers, self.side.unsure["customers"]
        for key, pos in expected.items():
            if key in unsure or pos.late:
                continue
            known = self.stored.customers.get(key)
            if known is None:
                found[key] = "missing"
            elif not _same_customer(known, pos.digest, pos.user_id, pos.created_at):
                found[key] = "differs"
        for key, known in self.stored.customers.items():
            if known.source == self.provider and not known.removed and key not in unsure:
                there = key in expected or key in self.side.kept
                found |= {} if there else {key: "stray"}
        return self.looked(found, paths.customers(self.org_id), self._look_at_customers)

    def orders(self) -> Looked:
        """The orders that differ; those that match no customer are as they were."""
        if self.side.sampled:
            ids = self.side.sampled.ids["orders"]
            sampled: dict[str, Problem] = dict.fromkeys(ids, "differs")
            return self.looked(sampled, paths.orders(self.org_id), self._look_at_orders)
        found: dict[str, Problem] = {}
        expected, unsure = self.side.orders, self.side.unsure["orders"]
        for key, pos in expected.items():
            if key in unsure or pos.late or pos.owner is None:
                continue
            known = self.stored.orders.get(key)
            if known is None:
                found |= {} if pos.optional else {key: "missing"}
            elif known.removed or known.digest != pos.digest:
                found[key] = "differs"
        for key, known in self.stored.orders.items():
            if known.source == self.provider and not known.removed and key not in unsure:
                found |= {} if key in expected or self.unwanted(known) else {key: "stray"}
        return self.looked(found, paths.orders(self.org_id), self._look_at_orders)

    def unwanted(self, order: StoredOrder) -> bool:
        """Whether a stored order is of days that are not listed any more."""
        return order.money is not None and order.money.at < self.reading.wanted_from

    def catalogue(self) -> tuple[Looked, Looked, Looked]:
        """The products that differ, those of the menu, and the discounts. What the POS sells can
        only be listed whole: it is once more where anything differs."""
        problems = (
            self._product_problems(self.stored.products),
            self._product_problems(self.stored.menu),
            self._discount_problems(),
        )
        listed, offered = self.side.products, self.side.discounts
        if any(problems):
            self.reading.read_products(self.side)

        def look_at_products(stored: Mapping[str, StoredProduct]) -> Look:
            def look(ids: Sequence[str], documents: Mapping[str, Document]) -> Iterator[Again]:
                for key in ids:
                    now = product_in(documents[key].fields) if documents[key].exists else None
                    expected = self.side.products.get(key)
                    same = now == stored.get(key) and expected == listed.get(key)
                    unchanged = same and key not in self.side.unsure["products"]
                    yield Again(key, expected, PRODUCT_FIELDS, unchanged=unchanged)

            return look

        def look_at_discounts(
            ids: Sequence[str], documents: Mapping[str, Document]
        ) -> Iterator[Again]:
            for key in ids:
                now = discount_in(documents[key].fields) if documents[key].exists else None
                expected = self.side.discounts.get(key)
                same = now == self.stored.discounts.get(key) and expected == offered.get(key)
                yield Again(key, expected, discounts.DISCOUNT.compared, unchanged=same)

        org_id, stored = self.org_id, self.stored
        return (
            self.looked(problems[0], paths.products(org_id), look_at_products(stored.products)),
            self.looked(problems[1], paths.menu_items(org_id), look_at_products(stored.menu)),
            self.looked(problems[2], paths.discounts(org_id), look_at_discounts),
        )

    def metadata(self) -> Iterator[Difference]:
        """The documents of brands, categories, vendors and locations that differ."""
        expected = {put.path: (put, waits) for put, waits in self.side.metadata}
        if not expected:
            return
        stored = self.reading.session.database.get_all(list(expected))
        for path, (put, waits) in expected.items():
            there, fields = stored[path].fields, put.fields
            names = [n for n in put.owned or () if n != "updatedAt"]
            wrong = [n for n in names if there.get(n) != fields.get(n)]
            if wrong:
                yield Difference(
                    kind="metadata_differs" if stored[path].exists else "metadata_missing",
                    path=path,
                    stored={n: there[n] for n in wrong if n in there},
                    expected={n: fields[n] for n in wrong if n in fields},
                    awaits_sync=waits,
                    provider=self.provider,
                )

    def others(self) -> Iterator[str]:
        """Paths of the documents that no sync wrote."""
        known = {*PROVIDERS, ECOM}
        of_people: Sequence[tuple[str, Mapping[str, StoredCustomer | StoredOrder]]] = (
            (paths.customers(self.org_id), self.stored.customers),
            (paths.orders(self.org_id), self.stored.orders),
        )
        for collection, people in of_people:
            yield from (f"{collection}/{k}" for k, v in people.items() if v.source not in known)
        of_stock = (
            (paths.products(self.org_id), self.stored.products),
            (paths.menu_items(self.org_id), self.stored.menu),
            (paths.discounts(self.org_id), self.stored.discounts),
        )
        for collection, stock in of_stock:
            yield from (f"{collection}/{k}" for k, v in stock.items() if v.provider not in known)

    def _look_at_customers(
        self, ids: Sequence[str], documents: Mapping[str, Document]
    ) -> Iterator["Again"]:
        answers = self.reading.look_up_customers(ids)
        for key, customer in answers.items():
            document, known = documents[key], self.stored.customers.get(key)
            now = customer_in(document.fields) if document.exists else None
            same = _compared(now) == _compared(known)
            if customer is None:
                yield Again(key, None, (), unchanged=same and key not in self.side.customers)
                continue
            before, after = self.side.customers.get(key), self.reading.customer(customer)
            if self.side.sampled:
                self.side.customers[key] = after
            expected = customers.fields_of(customer, self.org_id)
            names = _names(customers.CUSTOMER, expected)
            listed = before is None or before.digest == after.digest
            yield Again(key, expected, names, unchanged=same and listed and not after.late)

    def _look_at_orders(
        self, ids: Sequence[str], documents: Mapping[str, Document]
    ) -> Iterator["Again"]:
        answers = self.reading.look_up_orders(ids)
        for key, order in answers.items():
            document, known = documents[key], self.stored.orders.get(key)
            now = order_in(document.fields) if document.exists else None
            same = (now and (now.digest, now.removed)) == (known and (known.digest, known.removed))
            if order is None:
                yield Again(key, None, (), unchanged=same and key not in self.side.orders)
                continue
            owner = self.side.directory.owner(order)
            before, after = self.side.orders.get(key), self.reading.order(order, owner)
            if owner is None:
                continue
            expected = orders.fields_of(order, owner, self.org_id)
            listed = before is None or before.digest == after.digest
            names = orders.ORDER.compared
            yield Again(key, expected, names, unchanged=same and listed and not after.late)

    def _product_problems(self, stored: Mapping[str, StoredProduct]) -> dict[str, Problem]:
        found: dict[str, Problem] = {}
        unsure = self.side.unsure["products"]
        for key, fields in self.side.products.items():
            known = stored.get(key)
            if key in unsure:
                continue
            if known is None:
                found[key] = "missing"
            elif known.removed or known.digest != product_digest(fields):
                found[key] = "differs"
        for key, known in stored.items():
            gone = key not in self.side.products and key not in unsure
            if gone and known.provider == self.provider and not known.removed:
                found[key] = "stray"
        return found

    def _discount_problems(self) -> dict[str, Problem]:
        found: dict[str, Problem] = {}
        if not self.side.gives_discounts:
            return found
        expected, unsure = self.side.discounts, self.side.unsure["discounts"]
        stored = self.stored.discounts
        for key, fields in expected.items():
            known = stored.get(key)
            if known is None:
                found[key] = "missing"
            elif known.digest != discount_in(fields).digest:
                found[key] = "differs"
        for key, known in stored.items():
            if known.provider == self.provider and key not in expected and key not in unsure:
                found[key] = "stray"
        return found


def _compared(known: StoredCustomer | None) -> object:
    return known and (known.digest, known.removed, known.user_id, known.created_at)


def _same_customer(
    known: StoredCustomer, digest: bytes, user_id: str | None, created_at: int | None
) -> bool:
    """Whether a customer's document is as it should be. What the POS does not say of the user
    account and of the day on which the record was made may be another program's."""
    same = known.digest == digest and not known.removed
    return same and user_id in (None, known.user_id) and created_at in (None, known.created_at)


def _names(schema: Schema[Any], expected: Fields) -> list[str]:
    return [n for n in schema.compared if n in expected or n not in schema.once]
