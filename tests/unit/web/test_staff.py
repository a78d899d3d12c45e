"""People: how they are identified, and which orgs they are let in for."""

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from shared.domain.ids import org_id_spellings
from shared.errors import Forbidden, NotFound, RequestInvalid, Unauthenticated
from shared.web.auth import (
    ANY_ORG,
    OWN_ORG,
    AnonymousCaller,
    FindOrg,
    PublicOfOrg,
    SignedInUser,
    Staff,
    user_of,
)
from shared.web.request import RoutedRequest

STORED = {"org_x", "org_y", "brand_z", "plain"}


class Sessions:
    """Takes a token for the claims it spells: ``t:ann`` is uid ann."""

    def of_cookie(self, cookie: str) -> Mapping[str, Any]:
        return self._claims("c:", cookie)

    def of_token(self, token: str) -> Mapping[str, Any]:
        return self._claims("t:", token)

    def _claims(self, kind: str, text: str) -> Mapping[str, Any]:
        if not text.startswith(kind):
            raise Unauthenticated("no")
        return {"uid": text.removeprefix(kind)}


def finding(*stored: str) -> FindOrg:
    """Finds these orgs by every spelling of their ids."""
    return lambda org_id: next((s for s in org_id_spellings(org_id) if s in stored), None)


STAFF = Staff(Sessions(), finding(*STORED))


def incoming(method: str = "GET", **headers: str) -> RoutedRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    environ = EnvironBuilder("/thing", method=method, headers=list(named.items())).get_environ()
    return RoutedRequest(Request(environ), {}, b"")


def person(role: str, *orgs: str) -> SignedInUser:
    return SignedInUser("u1", frozenset({role}), orgs)


def test_a_bearer_token_and_a_session_cookie_both_sign_in() -> None:
    assert STAFF.identify(incoming(Authorization="Bearer t:ann")) == SignedInUser(
        "ann", frozenset(), ()
    )
    assert STAFF.identify(incoming(Cookie="__session=c:bob")) == SignedInUser(
        "bob", frozenset(), ()
    )


def test_a_token_that_is_sent_counts_even_where_a_cookie_would_be_valid() -> None:
    with pytest.raises(Unauthenticated):
        STAFF.identify(incoming(Authorization="Bearer forged", Cookie="__session=c:bob"))


@pytest.mark.parametrize(
    "headers",
    [{}, {"Cookie": "session=c:bob"}, {"Authorization": "Basic t:ann"}, {"Cookie": "__session="}],
)
def test_nobody_is_signed_in_without_either(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        STAFF.identify(incoming(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://[evil.example"},
    ],
)
def test_another_site_cannot_act_with_somebodys_cookie(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        STAFF.identify(incoming("POST", Cookie="__session=c:bob", **headers))


@pytest.mark.parametrize(
    "headers", [{"Sec_Fetch_Site": "same-origin"}, {"Origin": "http://localhost"}, {}]
)
def test_our_own_pages_and_programs_can(headers: dict[str, str]) -> None:
    assert STAFF.identify(incoming("POST", Cookie="__session=c:bob", **headers))


def test_claims_are_read_under_every_name_they_have_had() -> None:
    claims = {
        "uid": "u1",
        "role": "brand_admin",
        "roles": ["dispensary_admin", 7, ""],
        "orgId": "org_a",
        "currentOrgId": "org_b",
        "brandId": "c",
        "orgIds": ["org_a", "d", None],
    }

    found = user_of(claims)

    assert found.roles == {"brand_admin", "dispensary_admin"}
    assert found.orgs == ("org_a", "org_b", "c", "d")


@pytest.mark.parametrize("claims", [{}, {"role": 1, "roles": "super_user", "orgIds": "org_a"}])
def test_claims_of_another_form_give_nothing(claims: dict[str, Any]) -> None:
    assert user_of({"uid": "u1", **claims}) == SignedInUser("u1", frozenset(), ())


@pytest.mark.parametrize("role", sorted(ANY_ORG))
def test_a_super_role_is_let_in_for_any_org_that_exists(role: str) -> None:
    assert STAFF.admit(person(role), "org_y") == "org_y"
    with pytest.raises(NotFound):
        STAFF.admit(person(role), "org_nowhere")


@pytest.mark.parametrize("role", sorted(OWN_ORG))
def test_an_admin_is_let_in_for_the_own_org_under_any_spelling(role: str) -> None:
    for claimed in ("org_x", "brand_x", "x"):
        for asked in ("org_x", "brand_x", "x"):
            assert STAFF.admit(person(role, claimed), asked) == "org_x"


@pytest.mark.parametrize("role", sorted(OWN_ORG))
def test_an_admin_learns_nothing_of_other_orgs_not_even_whether_they_exist(role: str) -> None:
    answers = set()
    for asked in ("org_y", "org_nowhere", "org_xx", "xorg_x", "org_"):
        with pytest.raises(Forbidden) as refused:
            STAFF.admit(person(role, "org_x"), asked)
        answers.add(str(refused.value))
    assert len(answers) == 1


def test_the_own_org_needs_not_be_named_where_there_is_one() -> None:
    assert STAFF.admit(person("brand_admin", "brand_x", "org_x"), None) == "org_x"
    for several in (person("brand_admin", "org_x", "org_y"), person("super_user")):
        with pytest.raises(RequestInvalid):
            STAFF.admit(several, None)


@given(role=st.text(max_size=20), asked=st.sampled_from(sorted(STORED)))
def test_no_other_role_is_let_in_anywhere(role: str, asked: str) -> None:
    if role in ANY_ORG | OWN_ORG:
        return
    for caller in (person(role, asked), AnonymousCaller()):
        with pytest.raises(Forbidden):
            STAFF.admit(caller, asked)


NAMES = st.text("org_bandx", max_size=14)


@given(stored=st.sets(NAMES, max_size=4), claimed=NAMES, asked=NAMES)
def test_an_admin_is_never_let_in_for_an_org_that_is_not_theirs(
    stored: set[str], claimed: str, asked: str
) -> None:
    find = finding(*stored)
    staff = Staff(Sessions(), find)
    if claimed and find(claimed) is not None and find(claimed) == find(asked):
        assert staff.admit(person("brand_admin", claimed), asked) == find(claimed)
    else:
        with pytest.raises(Forbidden):
            staff.admit(person("brand_admin", claimed), asked)


@pytest.mark.parametrize("claimed", ["org_org_harbor", "brand_org_harbor", "org_brand_org_harbor"])
def test_an_org_whose_name_begins_with_a_prefix_is_no_spelling_of_the_one_without(
    claimed: str,
) -> None:
    staff = Staff(Sessions(), finding("org_harbor"))
    for asked in (claimed, "org_harbor", "harbor", None):
        with pytest.raises(Forbidden):
            staff.admit(person("dispensary_admin", claimed), asked)


@pytest.mark.parametrize("others", [("harbor",), ("harbor", "brand_harbor")])
def test_orgs_stored_under_several_spellings_of_one_name_are_several_orgs(
    others: tuple[str, ...],
) -> None:
    staff = Staff(Sessions(), finding("org_harbor", *others))
    for claimed in ("org_harbor", *others):
        user = person("dispensary_admin", claimed)
        assert staff.admit(user, claimed) == staff.admit(user, None) == claimed
        for asked in {"org_harbor", *others} - {claimed}:
            with pytest.raises(Forbidden):
                staff.admit(user, asked)
    with pytest.raises(RequestInvalid):
        staff.admit(person("dispensary_admin", "org_harbor", *others), None)


def test_that_the_own_org_is_unknown_is_said_only_to_who_may_see_every_org() -> None:
    with pytest.raises(Forbidden):
        STAFF.admit(person("brand_admin", "org_gone"), None)
    with pytest.raises(NotFound):
        STAFF.admit(person("super_user", "org_gone"), None)


@pytest.mark.parametrize("claim", ["a/b", "..", ".", "__x__", "x" * 201, "\ud800", "org_/"])
def test_a_claim_that_no_org_can_have_as_its_id_is_ignored(claim: str) -> None:
    user = user_of({"uid": "u1", "role": "brand_admin", "brandId": claim, "orgIds": [claim]})

    assert user.orgs == ()
    with pytest.raises(RequestInvalid):
        STAFF.admit(user, None)


def test_what_anyone_may_read_of_an_org_is_found_by_every_spelling() -> None:
    anyone = PublicOfOrg(finding(*STORED))

    for asked in ("org_x", "brand_x", "x"):
        assert anyone.admit(AnonymousCaller(), asked) == "org_x"
    assert anyone.admit(AnonymousCaller(), "org_nowhere") == "org_nowhere"
