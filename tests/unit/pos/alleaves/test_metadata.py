"""Brands, categories, vendors, locations and single batches of Alleaves."""

from typing import Any

import pytest

from shared.domain.inventory import BatchDetail
from shared.domain.metadata import PUBLIC_FIELDS, NamedEntry, NamedKind
from shared.pos.alleaves.catalogue import to_areas, to_batch_detail, to_locations, to_named

SECRET = "metrc-key-of-nobody"


@pytest.mark.parametrize(
    ("kind", "rows", "expected"),
    [
        ("brands", [{"id_brand": 1, "brand": "Lantern"}], [NamedEntry("1", "Lantern")]),
        ("categories", [{"id_category": 2, "name": "Vapes"}], [NamedEntry("2", "Vapes")]),
        ("vendors", [{"id": "3", "vendor": " Harbor "}], [NamedEntry("3", "Harbor")]),
        ("brands", ["Lantern", "lantern", {"brand": "LANTERN"}], [NamedEntry(None, "Lantern")]),
        ("brands", [None, 5, {}, {"id_brand": 1}, {"brand": ""}], []),
    ],
)
def test_names_are_read_in_either_spelling_and_once(
    kind: NamedKind, rows: list[Any], expected: list[NamedEntry]
) -> None:
    assert list(to_named(kind, rows)) == expected


def test_a_location_keeps_only_what_anybody_may_know() -> None:
    # Given a location with everything the service sends, and more that nobody knows of
    row = {
        "id_location": 1000,
        "location": "Main Street",
        "postal_code": "10000",
        "retail": True,
        "local_tax_percentage": 4,
        "city": {"nested": SECRET},
        "metrc_system_api_key": SECRET,
        "some_new_token": SECRET,
        "safe_list": [{"id_safe": 1, "name": SECRET}],
    }

    # When
    (found,) = to_locations([row, {"location": "no id"}, "nothing"])

    # Then
    assert found.id == "1000"
    assert found.fields == {
        "name": "Main Street",
        "postalCode": "10000",
        "retail": True,
        "localTaxPercentage": 4,
    }
    assert SECRET not in str(found)
    assert set(found.fields) <= set(PUBLIC_FIELDS)


def test_a_batch_tells_its_dates_and_tag() -> None:
    reply = {
        "date_expire": "2027-01-31T00:00:00.000",
        "metrc_package_label": "1A4",
        "date_package": "2026-01-01",
        "date_production": "soon",
        "date_harvest": None,
    }
    assert to_batch_detail(reply) == BatchDetail("2027-01-31", "1A4", "2026-01-01", None, None)


@pytest.mark.parametrize("reply", [None, [], "x", {}, {"date_expire": "0001-01-01"}])
def test_a_batch_that_tells_nothing_is_no_error(reply: object) -> None:
    assert to_batch_detail(reply) == BatchDetail()


@pytest.mark.parametrize("name", ["license", "license_number", "licenseNumber"])
def test_a_location_has_its_licence_number_under_one_name(name: str) -> None:
    (found,) = to_locations([{"id_location": 1, name: "OCM-1"}])

    assert found.fields == {"licenseNumber": "OCM-1"}


def test_areas_say_by_their_name_or_type_whether_they_may_be_sold_from() -> None:
    rows = [
        {"id_area": 1, "name": "Sales Floor", "id_location": 1000},
        {"id_area": 2, "name": "Damaged"},
        {"id_area": "3", "path": "Back", "area_type": "Quarantine"},
        {"id_area": 4, "name": "Old", "deleted": True},
        {"id_area": 5, "name": "Elsewhere", "id_location": 1001},
        {"name": "no id"},
        "nothing",
    ]

    found = to_areas(rows, "1000")

    assert [(a.id, a.name, a.sellable) for a in found] == [
        ("1", "Sales Floor", True),
        ("2", "Damaged", False),
        ("3", "Back", False),
        ("4", "Old", False),
    ]
