"""The list of orgs: what is in it, in which order, and what it costs."""

from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import Client

from shared.domain.org_health import OrgState
from shared.services.reads.orgs import OrgSort
from tests.emulator.operations.client import OperationsClient
from tests.fakes import OffsetClock

SYNCED = ("org_birch", "org_cedar", "org_elm", "org_fir", "org_ash", "org_oak")
NEVER = ("org_pine", "org_yew")
COUNTS = ("customersCount", "ordersCount", "menuProductsCount", "deletionsHeld", "quarantined")


@pytest.fixture
def fleet(client: Client, clock: OffsetClock) -> None:
    """Orgs in every state; org_ash has a status without counts, org_oak one of another version."""
    now = clock.now()

    def status(org_id: str, state: str, **fields: Any) -> None:
        known = {"status": state, "lastSyncAt": now, "lastRunId": "run"}
        client.document(f"tenants/{org_id}/integrations/pos").set(known | fields)

    def named(org_id: str, name: str, number: int, minutes: int) -> dict[str, Any]:
        return {
            "orgId": org_id,
            "name": name,
            "nameKey": name.casefold(),
            "provider": "alleaves",
            "lastSuccessAt": now - timedelta(minutes=minutes),
            **dict.fromkeys(COUNTS, number),
        }

    failing = {
        "lastError": "No answer. It is the POS provider's turn.",
        "lastErrorOwner": "provider",
    }
    status("org_birch", "active", **named("org_birch", "Willow Shop", 3, 5))
    status(
        "org_cedar",
        "error",
        **named("org_cedar", "Cedar & Co", 9, 90),
        **failing,
        failingSince=now - timedelta(minutes=60),
    )
    status(
        "org_elm",
        "paused",
        **named("org_elm", "Elm Street", 1, 4_000),
        failingSince=now - timedelta(minutes=3_900),
        nextTryAt=now + timedelta(hours=20),
    )
    status("org_fir", "held", **named("org_fir", "Fir", 5, 7))
    status("org_ash", "error", orgId="org_ash", failingSince=now - timedelta(minutes=9), **failing)
    status("org_oak", "active", customersCount=4, lastSuccessAt=now - timedelta(minutes=6))
    for org_id in (*SYNCED, *NEVER):
        config = {"provider": "alleaves", "status": "active" if org_id != "org_fir" else "inactive"}
        location = {"orgId": org_id, "name": f"{org_id} Main", "posConfig": config}
        client.document(f"locations/main-{org_id}").set(location)
    client.document("tenants/org_other/integrations/newsletter").set({"status": "active"})
    client.document("tenants/org_yew/integrations/pos").set({"menuChangedAt": now})
    client.document("fleet/roster").set({"tickedAt": now, "recent": {}, "known": b""})


TWO_ORGS_READS = 10
"""The version, the last tick, three statuses, a location of each org, and what is no status."""


def ids(orgs: list[dict[str, Any]]) -> list[str]:
    return [org["orgId"] for org in orgs]


@pytest.mark.usefixtures("fleet")
def test_an_org_is_listed_with_how_it_stands_and_whose_turn_it_is(
    operations: OperationsClient, clock: OffsetClock
) -> None:
    orgs = {org["orgId"]: org for org in operations.all_of("orgs", "orgs")}

    cedar = orgs["org_cedar"]
    assert (cedar["state"], cedar["owner"]) == ("error", "provider")
    assert cedar["lastError"] == "No answer. It is the POS provider's turn."
    assert cedar["failingSince"] < cedar["lastSyncAt"]
    assert {count: cedar[count] for count in COUNTS} == dict.fromkeys(COUNTS, 9)
    assert orgs["org_ash"]["name"] == "org_ash Main"
    assert orgs["org_ash"]["customersCount"] == 0
    assert orgs["org_pine"] == {
        "orgId": "org_pine",
        "name": "org_pine Main",
        "provider": "alleaves",
        "state": "never",
        "nextRunAt": orgs["org_pine"]["nextRunAt"],
        **dict.fromkeys(COUNTS, 0),
    }
    # Within one period of the schedule; a paused one once a day; one that is not active, never.
    assert orgs["org_birch"]["nextRunAt"] < (clock.now() + timedelta(minutes=31)).isoformat()
    assert orgs["org_elm"]["nextRunAt"] > (clock.now() + timedelta(hours=19)).isoformat()
    assert "nextRunAt" not in orgs["org_fir"]


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("limit", [1, 2, 50])
@pytest.mark.parametrize("sort", list(OrgSort))
def test_each_order_shows_every_org_once(
    operations: OperationsClient, sort: OrgSort, limit: int
) -> None:
    orgs = operations.all_of("orgs", "orgs", sort=sort.value, limit=limit)

    assert sorted(ids(orgs)) == sorted((*SYNCED, *NEVER))
    assert ids(orgs)[-2:] == list(NEVER)
    field = sort.value.removeprefix("-")
    of_version = [org for org in orgs if org["orgId"] not in ("org_ash", "org_oak", *NEVER)]
    values = [org[field] for org in of_version if field in org]
    folded = [value.casefold() if isinstance(value, str) else value for value in values]
    assert folded == sorted(folded, reverse=sort.value.startswith("-"))


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("sort", list(OrgSort))
def test_orgs_of_one_state_are_listed_in_each_order(
    operations: OperationsClient, sort: OrgSort
) -> None:
    found = {
        state: sorted(
            ids(operations.all_of("orgs", "orgs", state=state.value, sort=sort.value, limit=1))
        )
        for state in OrgState
    }

    assert found == {
        OrgState.ACTIVE: ["org_birch", "org_oak"],
        OrgState.ERROR: ["org_ash", "org_cedar"],
        OrgState.PAUSED: ["org_elm"],
        OrgState.HELD: ["org_fir"],
        OrgState.NEVER: ["org_pine", "org_yew"],
    }


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("cedar", ["org_cedar"]),
        ("CEDAR &", ["org_cedar"]),
        ("org_cedar", ["org_cedar"]),
        ("willow", ["org_birch"]),
        ("birch", ["org_birch"]),
        ("pin", ["org_pine"]),
        ("org_yew m", ["org_yew"]),
        ("nobody", []),
    ],
)
def test_an_org_is_found_by_the_beginning_of_its_name_or_id(
    operations: OperationsClient, query: str, found: list[str]
) -> None:
    assert ids(operations.all_of("orgs", "orgs", q=query, limit=1)) == found


@pytest.mark.usefixtures("fleet")
def test_a_search_finds_no_org_twice(operations: OperationsClient) -> None:
    found = ids(operations.all_of("orgs", "orgs", q="o", limit=1))

    assert sorted(found) == ["org_ash", "org_birch", "org_cedar", "org_elm", "org_fir", *NEVER]
    assert operations.all_of("orgs", "orgs", q="o", state="held", limit=1)[0]["orgId"] == "org_fir"


@pytest.mark.usefixtures("fleet")
def test_a_list_that_is_asked_for_again_costs_one_read_until_a_run_ends(
    operations: OperationsClient, client: Client, clock: OffsetClock
) -> None:
    assert operations.cost_of("orgs", limit=2, sort="name") <= TWO_ORGS_READS
    first = operations.reply("orgs", limit=2)
    clock.later += timedelta(seconds=2)
    assert operations.cost_of("orgs", limit=2) == 1
    again = operations.reply("orgs", limit=2, etag=first.headers["ETag"])
    assert (again.status_code, again.text) == (304, "")

    ended = {"status": "active", "lastSyncAt": clock.now()}
    client.document("tenants/org_ash/integrations/pos").update(ended)
    clock.later += timedelta(seconds=2)

    assert operations.get("orgs", limit=1)["orgs"][0]["state"] == "active"


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("query", [{"state": "error"}, {"state": "never"}, {"sort": "name"}])
def test_a_cursor_of_another_list_is_refused(
    operations: OperationsClient, query: dict[str, str]
) -> None:
    ended = operations.get("orgs", limit=7)["nextCursor"]
    begun = operations.get("orgs", limit=1)["nextCursor"]

    replies = [operations.reply("orgs", cursor=each, **query) for each in (begun, ended)]

    assert replies[0].status_code == 400
    assert replies[1].status_code == (400 if query == {"state": "error"} else 200)


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    "cursor", ["never.", "never.IiI", "never.Ilx1ZDgwMCI", "IiI", "x", "WyJhIiwwLFsiYSJdXQ"]
)
def test_a_cursor_that_nobody_gave_is_refused(operations: OperationsClient, cursor: str) -> None:
    assert operations.reply("orgs", cursor=cursor).status_code in (200, 400)


def test_staff_of_one_org_may_not_see_the_list(operations: OperationsClient) -> None:
    assert operations.reply("orgs", token="org_birch").status_code == 403
