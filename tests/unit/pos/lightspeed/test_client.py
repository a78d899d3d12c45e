"""Lightspeed as a point of sale: what is asked of it, and what comes of the answers."""

from datetime import date, timedelta
from decimal import Decimal
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.domain.order_windows import DateWindow
from shared.domain.orders import Channel
from shared.errors import (
    ConfigurationInvalid,
    CredentialsRejected,
    ProviderBusy,
    ProviderRefused,
    ReplyUnreadable,
)
from tests.unit.pos.fakes import START, Canned, Sent, ok
from tests.unit.pos.lightspeed.rows import customer, outlet, product, register, sale, stock
from tests.unit.pos.lightspeed.service import OUTLET, Retailer, changes_of, path_of

ONLINE = "7e615700-0000-4000-8000-00000000000e"
WINDOW = DateWindow(date(2026, 1, 1), date(2026, 3, 31))


def retailer_of_customers(count: int) -> Retailer:
    retailer = Retailer()
    for number in range(count):
        retailer.put("customers", customer(id=f"customer-{number}"))
    return retailer


def sales_of(retailer: Retailer, count: int, **fields: object) -> None:
    for number in range(count):
        retailer.put("sales", sale(id=f"sale-{number}", **fields))


def query(sent: Sent) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(sent.url).query).items()}


def test_a_call_names_who_makes_it_and_shows_the_token() -> None:
    retailer = Retailer()

    list(retailer.client().customers())

    (sent,) = retailer.transport.sent
    assert sent.url.startswith("https://harbor.retail.lightspeed.app/api/2.0/customers?")
    assert sent.headers["Authorization"] == "Bearer lsxs_pt_nobody"
    assert sent.headers["User-Agent"] == "sync-sam"


def test_another_version_of_the_api_and_another_page_size_are_settings() -> None:
    retailer = Retailer()
    retailer.interfere = lambda _: ok({"data": []})

    list(retailer.client(apiVersion="2026-07", pageSize=50).customers())

    (sent,) = retailer.transport.sent
    assert urlsplit(sent.url).path == "/api/2026-07/customers"
    assert query(sent)["page_size"] == "50"


def test_customers_are_listed_by_version_until_a_page_is_empty() -> None:
    # Given a service that gives fewer at once than it is asked for
    retailer = retailer_of_customers(25)
    retailer.most = 10

    # When
    pages = list(retailer.client(pageSize=1000).customers())

    # Then
    assert [page.rows for page in pages] == [10, 10, 5, 0]
    assert [page.last for page in pages] == [False, False, False, True]
    assert [record.id for page in pages for record in page.records] == [
        f"customer-{number}" for number in range(25)
    ]
    versions = [row["version"] for row in retailer.rows["customers"].values()]
    asked = [query(sent)["after"] for sent in retailer.calls("/customers")]
    assert asked == ["0", str(versions[9]), str(versions[19]), str(versions[24])]
    assert pages[-1].resume == versions[24] > 2**31


def test_a_listing_that_goes_on_has_what_changed_since_and_says_what_is_no_more() -> None:
    # Given
    retailer = retailer_of_customers(3)
    before = list(retailer.client().customers())[-1].resume
    retailer.change("customers", "customer-1", first_name="Ada")
    retailer.delete("customers", "customer-0")

    # When
    first, _ = retailer.client().customers(start=before)

    # Then
    assert [record.first_name for record in first.records] == ["Ada"]
    assert first.deleted == ("customer-0",)
    assert first.rows == 2


def test_an_unchanged_list_is_one_call_and_asks_for_nothing_else() -> None:
    retailer = Retailer()
    sales_of(retailer, 1)
    version = retailer.rows["sales"]["sale-0"]["version"]

    (page,) = changes_of(retailer.client()).orders(version)

    assert (page.rows, page.last, page.resume) == (0, True, version)
    assert list(map(path_of, retailer.transport.sent)) == ["/sales"]


def test_sales_are_read_with_the_registers_and_the_names_of_their_products() -> None:
    # Given
    retailer = Retailer()
    retailer.put("registers", register())
    retailer.put("registers", register(id=ONLINE, name="Online Register"))
    retailer.put("products", product())
    sales_of(retailer, 2)
    retailer.put("sales", sale(id="sale-online", register_id=ONLINE))

    # When
    first, last = changes_of(retailer.client()).orders(0)

    # Then
    assert [order.channel for order in first.records] == [Channel.RETAIL] * 2 + [Channel.ECOM]
    assert {(i.name, i.category) for o in first.records for i in o.items} == {
        ("Sample Vape 1g", "Vapes")
    }
    assert retailer.counted() == {
        "/sales": 2,
        "/registers": 2,
        "/products/b0d00000-0000-4000-8000-000000000001": 1,
    }
    assert first.requests + last.requests == 5


def test_where_many_products_are_to_be_named_all_are_listed_once_the_deleted_among_them() -> None:
    # Given
    retailer = Retailer()
    for number in range(20):
        retailer.put("products", product(id=f"p{number}", name=f"Product {number}"))
        line = {"product_id": f"p{number}", "quantity": 1}
        retailer.put("sales", sale(id=f"sale-{number}", line_items=[line]))
    retailer.delete("products", "p3")

    # When
    pages = list(changes_of(retailer.client(pageSize=10)).orders(0))

    # Then
    names = [item.name for page in pages for order in page.records for item in order.items]
    assert names == [f"Product {number}" for number in range(20)]
    assert len(retailer.calls("/products")) == 3


def test_sales_of_some_days_are_searched_by_offset() -> None:
    # Given
    retailer = Retailer()
    sales_of(retailer, 25)
    retailer.put("sales", sale(id="later", sale_date="2026-04-01T00:00:00+00:00"))

    # When
    pages = list(retailer.client(pageSize=10).orders(WINDOW))

    # Then
    assert sum(len(page.records) for page in pages) == 25
    asked = [query(sent) for sent in retailer.calls("/search")]
    assert sorted(each["offset"] for each in asked) == ["0", "10", "20"]
    assert {each["type"] for each in asked} == {"sales"}
    assert {(each["date_from"], each["date_to"]) for each in asked} == {
        ("2026-01-01T00:00:00Z", "2026-03-31T23:59:59Z")
    }


def test_a_record_that_is_deleted_or_was_never_there_is_none() -> None:
    retailer = retailer_of_customers(2)
    retailer.delete("customers", "customer-0")

    found = [retailer.client().customer(f"customer-{number}") for number in range(3)]

    assert [page.rows for page in found] == [0, 1, 0]


def test_the_stock_of_several_outlets_is_listed_once() -> None:
    # Given
    retailer = Retailer()
    retailer.put("products", product())
    retailer.put("products", product(id="inactive", is_active=False))
    retailer.put("inventory", stock())
    retailer.put("inventory", stock(id="other", outlet_id="second", inventory_level=-2))
    client = retailer.client()

    # When
    (first,), (second,) = client.inventory(OUTLET), client.inventory("second")

    # Then
    (here,), (there,) = first.records, second.records
    assert (here.name, here.on_hand, here.available) == ("Sample Vape 1g", Decimal(12), Decimal(12))
    assert (here.prices, here.category_path, here.cost_cents) == (
        (("price_otd", 4520),),
        "Vapes",
        1100,
    )
    assert (there.on_hand, there.available, there.location_id) == (
        Decimal(-2),
        Decimal(0),
        "second",
    )
    assert retailer.counted() == {"/products": 2, "/inventory": 2}
    assert (first.requests, second.requests) == (4, 0)


def test_a_product_that_changes_while_it_is_listed_counts_once_as_it_became() -> None:
    # Given
    retailer = Retailer()
    for number in range(4):
        retailer.put("products", product(id=f"p{number}"))

    def interfere(sent: Sent) -> Canned | None:
        if path_of(sent) == "/products" and query(sent)["after"] != "0":
            retailer.interfere = lambda _: None
            retailer.change("products", "p0", price_including_tax=50)
            retailer.delete("products", "p1")
        return None

    retailer.interfere = interfere

    # When
    (page,) = retailer.client(pageSize=2).inventory(OUTLET)

    # Then
    assert {row.item_id: row.prices[0][1] for row in page.records} == {
        "p2": 4520,
        "p3": 4520,
        "p0": 5000,
    }


def test_two_small_calls_say_that_no_stock_has_changed() -> None:
    # Given
    retailer = Retailer()
    retailer.put("products", product())
    retailer.put("inventory", stock())
    client = retailer.client()
    assert changes_of(client).stock_changed({}).value
    list(client.inventory(OUTLET))
    known = changes_of(client).stock_versions()
    retailer.counted()

    # When / Then
    assert not changes_of(retailer.client()).stock_changed(known).value
    assert {query(sent)["page_size"] for sent in retailer.calls()} == {"1"}
    assert retailer.counted() == {"/products": 1, "/inventory": 1}
    retailer.delete("inventory", stock()["id"])
    assert changes_of(retailer.client()).stock_changed(known).value


def test_outlets_are_locations() -> None:
    retailer = Retailer()
    retailer.put("outlets", outlet())

    (found,) = retailer.client().locations().value

    assert (found.id, found.fields["timezone"]) == (OUTLET, "America/New_York")


@pytest.mark.parametrize("path", ["/customers", "/sales"])
def test_notes_are_not_kept_of_a_record_that_cannot_be_read(path: str) -> None:
    # Given
    retailer = Retailer()
    timeless = sale(created_at=None, sale_date="in spring")
    rows = {"/customers": customer(first_name="x" * 3000), "/sales": timeless}
    retailer.put(path.strip("/"), {**rows[path], "note": "Order ID:17 lives at 1 Invented Way"})

    # When
    client = retailer.client()
    pages = client.customers() if path == "/customers" else changes_of(client).orders(0)
    (rejected,) = next(iter(pages)).rejected

    # Then
    assert "Invented Way" not in rejected.raw
    assert "neighbour" not in rejected.raw


def test_a_page_without_newer_versions_than_asked_for_would_never_end() -> None:
    retailer = retailer_of_customers(1)
    rows = {"data": list(retailer.rows["customers"].values())}
    retailer.interfere = lambda sent: ok(rows)

    with pytest.raises(ReplyUnreadable):
        list(retailer.client().customers())


def test_a_limit_until_a_date_is_waited_for() -> None:
    # Given
    retailer = retailer_of_customers(1)
    until = format_datetime(START + timedelta(seconds=40), usegmt=True)

    def interfere(_: Sent) -> Canned | None:
        limited = Canned(429, b'{"error": "Too Many Requests"}', {"Retry-After": until})
        return limited if retailer.time.passed < 40 else None

    retailer.interfere = interfere

    # When
    pages = list(retailer.client().customers())

    # Then
    assert sum(page.rows for page in pages) == 1
    assert 40 <= retailer.time.passed < 60


def test_a_limit_beyond_the_time_of_a_call_is_the_pos_s_to_lift() -> None:
    retailer = Retailer()
    until = format_datetime(START + timedelta(seconds=280), usegmt=True)
    retailer.interfere = lambda _: Canned(429, b"{}", {"Retry-After": until})

    with pytest.raises(ProviderBusy, match="not to be called before 2026-03-18 12:04:40 UTC"):
        list(retailer.client().customers())


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (401, CredentialsRejected, "(401). Check the token of Harbor in the POS settings."),
        (403, CredentialsRejected, "Its token may lack the scope customers:read. Check the token"),
        (404, ConfigurationInvalid, "Check domainPrefix and apiVersion of Harbor"),
        (422, ProviderRefused, "refused a request for customers (422)."),
    ],
)
def test_an_error_says_whose_turn_it_is(status: int, error: type[Exception], says: str) -> None:
    retailer = Retailer()
    retailer.interfere = lambda _: Canned(status, b'{"error": "Nope"}')

    with pytest.raises(error) as raised:
        list(retailer.client().customers())

    assert says in str(raised.value)
    assert "lsxs_pt_nobody" not in str(raised.value)
    assert len(retailer.transport.sent) == 1
