"""Finding orgs by what is stored."""

from datetime import timedelta

from google.cloud.firestore import Client

from shared.store import locations
from shared.store.database import Database
from shared.store.locations import OrgDirectory
from tests.fakes import SteppingClock


def add_tenant(client: Client, org_id: str) -> None:
    client.document(f"tenants/{org_id}").set({"name": "Juniper & Sons"})


def add_location(client: Client, org_id: str) -> None:
    client.document(f"locations/of_{org_id}").set({"orgId": org_id})


def test_an_org_is_found_by_every_spelling_and_by_no_other(
    client: Client, database: Database
) -> None:
    add_tenant(client, "org_harbor")
    add_location(client, "brand_quay")
    find = OrgDirectory(database)

    for spelling in ("org_harbor", "brand_harbor", "harbor"):
        assert find(spelling) == "org_harbor"
    for spelling in ("org_quay", "brand_quay", "quay"):
        assert find(spelling) == "brand_quay"
    for stranger in ("org_org_harbor", "brand_org_harbor", "org_brand_quay", "arbor", "org_"):
        assert find(stranger) is None


def test_orgs_of_one_name_are_each_found_by_their_own_id(
    client: Client, database: Database
) -> None:
    add_tenant(client, "harbor")
    add_location(client, "org_harbor")
    add_location(client, "brand_harbor")
    find = OrgDirectory(database)

    for org_id in ("harbor", "org_harbor", "brand_harbor"):
        assert find(org_id) == org_id


def test_what_no_org_can_have_as_its_id_is_not_looked_up(database: Database) -> None:
    find = OrgDirectory(database)

    for text in ("a/b", "x" * 201, "\ud800"):
        assert find(text) is None
    assert database.meter.reads == 0


def test_a_new_org_is_found_seconds_later_and_an_unknown_one_costs_nothing_meanwhile(
    client: Client, database: Database
) -> None:
    clock = SteppingClock()
    find = OrgDirectory(database, clock.monotonic)
    assert find("org_harbor") is None
    add_tenant(client, "org_harbor")
    reads = database.meter.reads
    assert find("org_harbor") is None
    assert database.meter.reads == reads

    clock.advance(timedelta(seconds=locations.UNKNOWN_KEPT_SECONDS))

    assert find("org_harbor") == "org_harbor"
