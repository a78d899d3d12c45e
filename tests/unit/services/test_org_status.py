"""What the status of an org says of each stream, and since when the org is failing."""

from datetime import timedelta

from shared.services.sync.org_status import waiting
from shared.store.runs import Hold
from tests.unit.services.mixed_org import MixedOrg
from tests.unit.services.test_mixed_orgs import answering, down

PERIOD = timedelta(minutes=30)


def test_a_stream_of_two_providers_is_as_old_as_it_is_where_it_is_oldest() -> None:
    org = MixedOrg()
    first = org.clock.now()
    org.run()
    assert {each["lastSuccessAt"] for each in org.status["streams"].values()} == {first}
    assert not any("error" in each for each in org.status["streams"].values())
    org.clock.advance(PERIOD)

    org.pos["lightspeed"].fail = down
    org.run()

    shown = org.status["streams"]
    assert {shown[each]["lastSuccessAt"] for each in ("customers", "orders", "products")} == {first}
    failed = {each: found["error"]["provider"] for each, found in shown.items() if "error" in found}
    # The orders were not tried: they wait for the customers.
    assert failed == {"customers": "lightspeed", "products": "lightspeed"}


def test_a_failing_org_says_since_when_until_all_is_well() -> None:
    org = MixedOrg()
    org.run()
    assert "failingSince" not in org.status
    org.clock.advance(PERIOD)
    since = org.clock.now()
    for failing in ("lightspeed", "alleaves"):
        org.pos[failing].fail = down
        org.run()
        org.clock.advance(PERIOD)

    org.pos["lightspeed"].fail = answering
    org.run()
    assert (org.status["status"], org.status["failingSince"]) == ("error", since)

    org.pos["alleaves"].fail = answering
    org.run()
    assert "failingSince" not in org.status


def test_the_status_bears_the_orgs_id_and_the_name_by_which_it_is_sorted() -> None:
    org = MixedOrg("alleaves")
    org.run()
    named = {name: org.status[name] for name in ("orgId", "name", "nameKey")}
    assert named == {"orgId": "org_mixed", "name": "Mixed", "nameKey": "mixed"}

    org.database.put("tenants/org_mixed", {})
    org.run()

    assert org.status["name"] == "Shop at alleaves"


def test_a_held_removal_says_how_a_person_allows_it() -> None:
    hold = Hold(reason="20 of 60 records are missing", count=20, id="f00d")

    said = waiting({"products": hold}).message

    assert said.startswith(
        "20 of 60 records are missing. If it is right, approve it in the console"
    )
    assert "`sync-sam removals ORG approve`" in said


def test_a_removal_that_nothing_proves_sends_people_to_the_pos() -> None:
    hold = Hold(reason="the POS listed nothing at all", count=60, id="f00d", proven=False)

    said = waiting({"products": hold}).message

    assert said == "The POS listed nothing at all. Nobody can allow that: see at the POS why."
