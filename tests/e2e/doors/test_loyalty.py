"""The loyalty door: who may ask, and what is answered."""

import pytest

from tests.e2e.doors.conftest import ORG, OTHER_ORG, Answer, Doors


def ask(doors: Doors, method: str, path: str, *, org: str = "", **given: object) -> Answer:
    """Call as a dispensary's admin of ``org``; as nobody where there is none."""
    headers = {}
    if org:
        token = doors.authority.id_token("ann", role="dispensary_admin", orgId=org)
        headers["Authorization"] = f"Bearer {token}"
    return doors.call("loyalty_api", method, f"/api/loyalty/{path}", headers=headers, **given)


@pytest.mark.parametrize("path", ["sync", "points", "report"])
def test_points_are_for_the_orgs_own_staff(doors: Doors, path: str) -> None:
    query = {"orgId": ORG, **({"phone": "+12125550100"} if path == "points" else {})}
    assert ask(doors, "GET", path, params=query).status_code == 401
    assert ask(doors, "GET", path, org=OTHER_ORG, params=query).status_code == 403
    assert ask(doors, "GET", path, org=ORG, params=query).status_code in (200, 404)


def test_the_stats_have_the_form_of_the_contract(doors: Doors) -> None:
    reply = ask(doors, "GET", "sync", org=ORG, params={"orgId": ORG}).json()
    assert reply["success"] is True
    assert {
        "totalCustomers",
        "withAlpineSync",
        "withCalculatedPoints",
        "reconciled",
        "needsReview",
    } <= reply["stats"].keys()


def test_a_run_is_asked_for(doors: Doors) -> None:
    assert ask(doors, "POST", "sync", json={"orgId": ORG}).status_code == 401
    assert ask(doors, "POST", "sync", org=OTHER_ORG, json={"orgId": ORG}).status_code == 403
    reply = ask(doors, "POST", "sync", org=ORG, json={"orgId": ORG})
    assert reply.status_code == 202
    assert reply.json().keys() == {"runId", "orgId", "statusUrl"}
