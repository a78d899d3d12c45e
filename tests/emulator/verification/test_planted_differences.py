"""An org at Alleaves is verified: nothing is found where nothing is wrong, and all that is."""

import json
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest

from shared.clock import utc_now
from shared.services.manual_sync import RunUnderWay
from shared.services.verification import repair
from shared.store import status
from tests.emulator.environment import SMALL, Environment, hold_org
from tests.emulator.verification.books import (
    MENU,
    Books,
    bought_twice,
    counts,
    kinds,
    on_sale,
)
from tests.simulated_pos import SimulatedPos, discount
from tests.stored import StoredDocuments, differences

ORG = "org_test"
STRAY = "99000001"


@pytest.fixture
def books(environment: Environment, pos: SimulatedPos) -> Books:
    """The org, synced, with one discount that runs."""
    pos.set_discounts(ORG, discount(1, None))
    found = Books(environment, ORG)
    found.sync()
    return found


def test_a_clean_org_has_no_differences(books: Books, store: StoredDocuments) -> None:
    before = store.everything(ORG)

    found = books.verify()

    assert found.differences == ()
    assert found.ok
    assert found.customers.at_pos == found.customers.stored == SMALL.customers
    assert found.orders.total == len(store.documents(f"tenants/{ORG}/orders"))
    assert (
        found.orders.stored + found.orders.skipped
        == found.orders.at_pos - found.orders.in_quarantine
    )
    assert sum(each.count for each in found.customers.segments.values()) == SMALL.customers
    assert found.products.on_menu == store.status(ORG)["menuProductsCount"]
    assert found.cache
    assert found.cache.faster
    assert store.everything(ORG) == before


def plant(books: Books) -> dict[str, set[str]]:
    """Make 15 documents wrong; the kinds of differences by path."""
    buyers = books.keys("customers", bought_twice)
    orders = books.keys("orders", counts)
    plain = books.keys(MENU, lambda item: not on_sale(item))
    sold = books.keys(MENU, on_sale)
    owner = books.documents("orders")[orders[3]]["customerId"]
    other = next(each for each in buyers[5:] if each != owner)
    spending = f"cid_{buyers[3]}"
    return {
        books.copy("customers", buyers[0], STRAY, email="nobody@example.org"): {"customer_stray"},
        books.delete("customers", buyers[1]): {"customer_missing"},
        books.copy("orders", orders[0], f"alleaves_{STRAY}"): {"order_stray"},
        books.delete("orders", orders[1]): {"order_missing"},
        books.copy("products", plain[0], STRAY): {"product_stray"},
        books.delete("products", plain[1]): {"product_missing"},
        books.change("orders", orders[2], total=1_234.56): {"order_differs"},
        books.change("customers", buyers[2], segment="mystery"): {"segment_differs"},
        books.change(MENU, plain[2], price=0.01): {"price_differs"},
        books.change(MENU, sold[0], saleBadgeText="90% OFF"): {"sale_differs"},
        books.change("orders", orders[3], customerId=other): {"order_of_other_customer"},
        books.delete(MENU, plain[3]): {"menu_item_missing"},
        books.delete("discounts", "1"): {"discount_missing"},
        books.change("metadata", "brands", items=[{"name": "Nobody's"}]): {"metadata_differs"},
        books.change("customer_spending", spending, totalSpent=5.0): {"spending_differs"},
    }


def test_every_planted_difference_is_found(books: Books) -> None:
    planted = plant(books)

    found = books.verify()

    assert not found.ok
    assert kinds(found) == planted
    wrong = next(each for each in found.differences if each.kind == "order_differs")
    assert wrong.stored == {"total": 1_234.56}
    assert wrong.expected["total"] != 1_234.56
    assert not any(each.awaits_sync for each in found.differences)


def test_a_repair_mends_all_of_it_and_marks_the_strays(
    books: Books, store: StoredDocuments
) -> None:
    before = store.records(ORG)
    plant(books)

    report = books.repair(books.verify())

    assert (report.problems, report.held) == ((), 0)
    assert books.verify().differences == ()
    after = store.records(ORG)
    strays = {"customers": STRAY, "orders": f"alleaves_{STRAY}", "products": STRAY}
    for collection, key in strays.items():
        assert after[collection].pop(key)["removedFromPosAt"]
    assert differences(before, after) == []


def test_a_repair_waits_for_the_spending_and_verifies_again(
    books: Books, environment: Environment
) -> None:
    plant(books)
    computed: list[float] = []

    def sleep(seconds: float) -> None:
        computed.append(seconds)
        environment.spending.compute_requested()

    mends = repair.Repair(books.verifier, environment.sync.service(), 10, sleep)
    found = mends(books.verify())

    assert found.differences == ()
    assert found.repair
    assert found.repair.asked == 15
    assert computed
    document = found.document()
    assert document["ok"] is True
    assert {"differences", "customers", "orders", "repair"} <= document.keys()
    json.dumps(document)


def test_a_repair_is_refused_while_another_run_has_the_org(
    books: Books, environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "PATIENCE_SECONDS", 0.1)
    books.change("orders", books.keys("orders", counts)[0], total=1.5)
    found = books.verify()

    with hold_org(environment.database, ORG, "another"), pytest.raises(RunUnderWay):
        books.repair(found)


def test_a_message_of_the_same_repair_that_comes_twice_or_late_does_no_harm(
    books: Books, store: StoredDocuments
) -> None:
    plant(books)
    found = books.verify()
    books.repair(found)
    mended = store.records(ORG)

    # When the same differences are mended once more, though they are over
    books.repair(found)

    assert differences(mended, store.records(ORG)) == []
    assert books.verify().differences == ()


def test_what_another_program_wrote_is_left_alone_and_named(
    books: Books, store: StoredDocuments
) -> None:
    buyer, order = books.keys("customers", bought_twice)[0], books.keys("orders", counts)[0]
    paths = [
        books.copy("customers", buyer, STRAY, source="crm", email="crm@example.org"),
        books.copy("orders", order, f"crm_{STRAY}", source="crm", customerId=STRAY),
        books.copy("products", books.keys(MENU, on_sale)[0], STRAY, source="merchant"),
    ]
    before = store.records(ORG)

    found = books.verify()

    assert found.differences == ()
    assert sorted(found.others) == sorted(paths)
    assert found.customers.others == found.orders.others == found.products.others == 1
    books.repair(found)
    assert differences(before, store.records(ORG)) == []


def test_strays_beyond_the_share_that_may_be_removed_wait_for_a_person(books: Books) -> None:
    buyer = books.keys("customers", bought_twice)[0]
    for number in range(100):
        books.copy("customers", buyer, str(99_000_000 + number), email=f"s{number}@example.org")

    report = books.repair(books.verify())

    assert report.held == 100
    assert {each.kind for each in books.verify().differences} == {"customer_stray"}


def test_a_sample_compares_so_many_of_each_and_all_that_is_sold(books: Books) -> None:
    # Given
    clean = books.verifier(ORG, sample=20)
    buyers, orders = books.keys("customers", bought_twice), books.keys("orders", counts)
    for each in buyers:
        books.change("customers", each, segment="mystery")
    for each in orders:
        books.change("orders", each, total=0.25)
    item = books.delete(MENU, books.keys(MENU, on_sale)[0])

    # When
    found = books.verifier(ORG, sample=20)

    # Then
    assert (clean.differences, clean.sample) == ((), 20)
    assert (clean.customers.at_pos, clean.customers.stored) == (SMALL.customers,) * 2
    assert clean.orders.stored == len(books.documents("orders"))
    wrong = kinds(found)
    assert wrong.pop(item) == {"menu_item_missing"}
    assert {"segment_differs", "order_differs"} <= set().union(*wrong.values())
    assert sum("order_differs" in each for each in wrong.values()) <= 20


def test_points_are_counted_once_more_for_some_customers(books: Books) -> None:
    # Given points as a loyalty run leaves them, but for those of one who has bought
    calculated = utc_now() + timedelta(seconds=5)
    people = books.documents("customers")
    for key, fields in people.items():
        points = int(Decimal(str(max(0, fields["totalSpent"]))).quantize(Decimal(1), ROUND_HALF_UP))
        given = {"pointsFromOrders": points, "pointsLastCalculated": calculated}
        books.change("customers", key, **given)
    found = books.verify()
    assert (found.differences, found.loyalty.sampled) == ((), 50)

    # When
    for key in people:
        books.change("customers", key, pointsFromOrders=-1)
    found = books.verify()

    # Then
    assert {each.kind for each in found.differences} == {"points_differ"}
    assert found.loyalty.differing == 50
    assert all(each.awaits_sync for each in found.differences)


def test_so_many_differences_that_the_streams_are_synced_in_full_are_mended(
    books: Books, store: StoredDocuments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "NAMED_MOST", 20)
    before = store.records(ORG)
    for each in books.keys("customers", bought_twice):
        books.change("customers", each, lastName="Changed")
    for each in books.keys("orders", counts):
        books.change("orders", each, total=0.25)

    report = books.repair(books.verify())

    assert (report.problems, report.held) == ((), 0)
    assert store.run(ORG, report.run_id)["state"] == "succeeded"
    assert books.verify().differences == ()
    assert differences(before, store.records(ORG)) == []


def test_what_the_pos_has_no_more_and_a_person_wants_to_be_kept_is_no_difference(
    books: Books, pos: SimulatedPos, environment: Environment
) -> None:
    # Given so many customers and products gone that a person is asked
    gone = sorted(books.documents("customers"))[:60]
    for each in gone:
        pos.control("DELETE", f"orgs/{ORG}/customers/{each}")
    rows = pos.data(ORG)["inventory"]
    pos.replace(ORG, "inventory", rows[: len(rows) // 2])
    books.sync()
    strays = books.verify().differences
    assert {each.kind for each in strays} >= {"customer_stray", "product_stray"}
    assert all(each.awaits_sync for each in strays)

    # When the person decides
    database = environment.database
    holds = status.read_progress(database, ORG, "alleaves").holds
    refused = {stream: hold.id for stream, hold in holds.items() if hold.id}
    database.commit([status.put_refused(ORG, "alleaves", refused)])
    books.sync()

    # Then
    assert refused.keys() == {"customers", "products"}
    assert books.verify().differences == ()
