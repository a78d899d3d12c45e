"""Machines: the cron secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import NotFound, Unauthenticated
from shared.web.auth import MachineCaller, SharedSecret, SignedInUser, StaffOrMachine
from tests.unit.web.test_staff import STAFF, incoming

OLD, NEW = "o" * 32, "n" * 40


def test_two_secrets_are_valid_while_one_takes_the_others_place() -> None:
    rule = SharedSecret((NEW, OLD))

    for secret in (OLD, NEW):
        assert rule.identify(incoming(Authorization=f"Bearer {secret}")) == MachineCaller("cron")
    with pytest.raises(Unauthenticated):
        SharedSecret((NEW,)).identify(incoming(Authorization=f"Bearer {OLD}"))


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=60))
def test_nothing_else_fits(text: str) -> None:
    with pytest.raises(Unauthenticated):
        SharedSecret((OLD,)).identify(incoming(Authorization=f"Bearer {text}"))


@pytest.mark.parametrize("headers", [{}, {"Authorization": OLD}, {"Authorization": f"Basic {OLD}"}])
def test_it_is_sent_as_a_bearer_token(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated):
        SharedSecret((OLD,)).identify(incoming(**headers))


@pytest.mark.parametrize("secrets", [(), ("x" * 31,), (OLD, "short"), (OLD, NEW, OLD + NEW)])
def test_a_secret_that_is_none_is_refused_at_the_start(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="secret"):
        SharedSecret(secrets)


def test_a_secret_is_not_in_what_is_printed_of_the_rule() -> None:
    assert OLD not in repr(SharedSecret((OLD,)))


def test_where_both_may_come_the_machine_is_let_in_for_any_org_and_people_for_theirs() -> None:
    rule = StaffOrMachine(STAFF, SharedSecret((OLD,)))

    machine = rule.identify(incoming(Authorization=f"Bearer {OLD}"))
    somebody = rule.identify(incoming(Authorization="Bearer t:ann"))

    assert rule.admit(machine, "y") == "org_y"
    assert isinstance(somebody, SignedInUser)
    with pytest.raises(NotFound):
        rule.admit(machine, "org_nowhere")
