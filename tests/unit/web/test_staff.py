"""People: how they are identified, and which orgs they are let in for."""

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from shared.errors import Forbidden, NotFound, RequestInvalid, Unauthenticated
from shared.web.auth import ANY_ORG, OWN_ORG, AnonymousCaller, SignedInUser, Staff, user_of
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


def find(org_id: str) -> str | None:
    base = org_id.removeprefix("org_").removeprefix("brand_")
    return next((s for s in STORED if s in (org_id, f"org_{base}", f"brand_{base}", base)), None)


STAFF = Staff(Sessions(), find)


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


@given(claimed=st.text(max_size=12), asked=st.text(max_size=12))
def test_an_admin_is_never_let_in_for_an_org_that_is_not_theirs(claimed: str, asked: str) -> None:
    def base(org_id: str) -> str:
        for prefix in ("org_", "brand_"):
            if org_id.startswith(prefix) and org_id != prefix:
                return org_id[len(prefix) :]
        return org_id

    everywhere = Staff(Sessions(), lambda org_id: org_id)
    if base(claimed) == base(asked):
        assert everywhere.admit(person("brand_admin", claimed), asked) == asked
    else:
        with pytest.raises(Forbidden):
            everywhere.admit(person("brand_admin", claimed), asked)
