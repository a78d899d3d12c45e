"""Lists by version, searches by offset, single records, errors."""

import pytest

from tests.unit.simulator.lightspeed.conftest import RetailClient

KINDS = (
    *("customers", "sales", "products", "inventory", "registers", "outlets"),
    *("brands", "product_categories", "suppliers"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_is_read_to_its_end_by_version(cove: RetailClient, kind: str) -> None:
    rows = cove.all(kind, deleted="true")

    assert len(rows) == len(cove.retailer.data.table(kind)) > 0
    versions = [row["version"] for row in rows]
    assert versions == sorted(set(versions))
    assert all(len(str(version)) == 11 for version in versions)


def test_versions_are_of_the_whole_account(cove: RetailClient) -> None:
    versions = [row["version"] for kind in KINDS for row in cove.all(kind)]

    assert len(versions) == len(set(versions))


def test_a_page_says_its_least_and_greatest_version(cove: RetailClient) -> None:
    reply = cove.get("customers", page_size=7).json

    assert set(reply) == {"data", "version"}
    assert reply["version"] == {
        "min": reply["data"][0]["version"],
        "max": reply["data"][-1]["version"],
    }


def test_before_bounds_a_list(cove: RetailClient) -> None:
    rows = cove.all("customers")

    found = cove.get("customers", after=rows[2]["version"], before=rows[6]["version"]).json

    assert [row["id"] for row in found["data"]] == [row["id"] for row in rows[3:6]]


def test_deleted_rows_come_where_they_are_asked_for(cove: RetailClient) -> None:
    # Given
    sale = cove.all("sales")[4]["id"]

    # When
    cove.control("DELETE", f"/sales/{sale}")

    # Then
    assert sale not in {row["id"] for row in cove.all("sales")}
    last = cove.all("sales", deleted="true")[-1]
    assert (last["id"], bool(last["deleted_at"])) == (sale, True)
    assert cove.get(f"sales/{sale}").json["data"]["deleted_at"]


def test_a_changed_record_goes_to_the_end_of_its_list(cove: RetailClient) -> None:
    # Given
    customers = cove.all("customers")

    # When
    cove.control("PATCH", f"/customers/{customers[0]['id']}", {"first_name": "Ida"})

    # Then
    since = cove.get("customers", after=customers[-1]["version"]).json["data"]
    assert [row["first_name"] for row in since] == ["Ida"]
    assert since[0]["updated_at"] > customers[0]["updated_at"]


def test_the_list_of_sales_looks_at_no_dates(cove: RetailClient) -> None:
    all_of_them = cove.get("sales", page_size=5000).json["data"]

    dated = cove.get("sales", page_size=5000, date_from="2026-03-01T00:00:00Z").json["data"]

    assert dated == all_of_them


def test_a_search_narrows_sales_by_date_and_customer(cove: RetailClient) -> None:
    # Given
    sales = cove.all("sales")
    customer = next(row["customer_id"] for row in sales if row["customer_id"])

    # When
    since, until = "2025-06-01T00:00:00Z", "2025-12-31T23:59:59Z"
    dated = cove.get(
        "search",
        type="sales",
        date_from=since,
        date_to=until,
        page_size=1000,
        order_direction="asc",
    ).json
    theirs = cove.get("search", type="sales", customer_id=customer).json

    # Then
    within = [row for row in sales if since[:19] <= row["sale_date"][:19] <= until[:19]]
    assert dated["total_count"] == len(within) > 100
    assert [row["sale_date"] for row in dated["data"]] == sorted(row["sale_date"] for row in within)
    assert {row["id"] for row in theirs["data"]} == {
        row["id"] for row in sales if row["customer_id"] == customer
    }


def test_a_search_is_paged_by_offset(cove: RetailClient) -> None:
    whole = cove.get("search", type="sales", page_size=1000).json

    part = cove.get("search", type="sales", offset=30, page_size=10).json

    assert part["data"] == whole["data"][30:40]
    assert part["total_count"] == whole["total_count"] == 1095


def test_a_search_finds_customers_by_email_in_any_case(cove: RetailClient) -> None:
    someone = next(row for row in cove.all("customers") if (row["email"] or "").count("@example"))

    found = cove.get("search", type="customers", email=someone["email"].upper()).json["data"]

    assert someone["id"] in {row["id"] for row in found}


def test_single_records_are_those_of_the_list_and_others_are_404(cove: RetailClient) -> None:
    sale = cove.all("sales")[0]

    assert cove.get(f"sales/{sale['id']}").json == {"data": sale}
    missing = cove.get("sales/nobody")
    assert missing.status_code == 404
    assert missing.json == {"error": "Not Found", "message": "The record was not found"}


def test_the_account_is_told(cove: RetailClient) -> None:
    assert cove.get("retailer").json["data"]["domain_prefix"] == "org-cove"


@pytest.mark.parametrize("version", ["2.0", "2026-01", "0.9"])
def test_every_version_of_the_api_answers(cove: RetailClient, version: str) -> None:
    assert cove.call("GET", f"{version}/outlets").status_code == 200


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("customers", {"after": "soon"}),
        ("customers", {"page_size": "-1"}),
        ("search", {"type": "socks"}),
    ],
)
def test_what_makes_no_sense_is_refused(
    cove: RetailClient, path: str, query: dict[str, str]
) -> None:
    reply = cove.get(path, **query)

    assert reply.status_code == 400
    assert reply.json["error"] == "Bad Request"


def test_a_fault_strikes_the_page_that_it_names(cove: RetailClient) -> None:
    # Given
    rows = cove.all("sales")
    fault = {"kind": "server_error", "endpoint": "orders", "page": 2}
    assert cove.client.post("/control/faults", json=fault).status_code == 201

    # When
    pages = [
        cove.get("sales", page_size=100),
        cove.get("sales", page_size=100, after=rows[99]["version"]),
        cove.get("sales", page_size=100, after=rows[199]["version"]),
        cove.get("search", type="sales", page_size=100, offset=100),
        cove.get("customers", page_size=100, after=rows[0]["version"]),
    ]

    # Then
    assert [page.status_code for page in pages] == [200, 500, 200, 500, 200]
    assert pages[1].json == {
        "error": "Internal Server Error",
        "message": "Internal server error",
    }
    counted = cove.client.get("/control/requests").get_json()["orgs"]["org_cove"]
    assert counted["statuses"]["500"] == 2
