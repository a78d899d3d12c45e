"""Signing in, and the life of a token."""

import time
from collections.abc import Callable

import jwt
import pytest

from tests.unit.simulator.conftest import SimulatorClient


def test_a_sign_in_brings_a_real_token_of_24_hours(harbor: SimulatorClient) -> None:
    # When
    reply = harbor.sign_in().json
    # Then
    assert set(reply) == {
        "id_user", "name_first", "name_last", "username", "id_company", "company", "token",
    }  # fmt: skip
    claims = jwt.decode(reply["token"], options={"verify_signature": False})
    assert claims["exp"] - time.time() == pytest.approx(24 * 3600, abs=5)


@pytest.mark.parametrize(
    "wrong", [{"username": "nobody"}, {"password": "wrong"}, {"pin": "0000"}, {"pin": None}]
)
def test_wrong_credentials_are_401(harbor: SimulatorClient, wrong: dict[str, str | None]) -> None:
    # Given
    spec = harbor.org.spec
    right = {"username": spec.user, "password": spec.secret, "pin": spec.pin}
    # When
    reply = harbor.post("/auth", **{**right, **wrong})
    # Then
    assert reply.status_code == 401
    assert "error" in reply.json


def test_a_pin_joined_to_the_password_is_refused(harbor: SimulatorClient) -> None:
    spec = harbor.org.spec
    joined = harbor.post("/auth", username=spec.user, password=f"{spec.secret}{spec.pin}")
    assert joined.status_code == 401


def test_an_org_without_a_pin_takes_any(sign_in: Callable[[str], SimulatorClient]) -> None:
    pos = sign_in("org_juniper")
    spec = pos.org.spec
    reply = pos.post("/auth", username=spec.user, password=spec.secret, pin="9999")
    assert reply.status_code == 200


def test_a_call_without_a_good_token_is_401(harbor: SimulatorClient) -> None:
    for header in ({}, {"Authorization": "Bearer made-up"}, {"Authorization": "Basic eDp5"}):
        harbor.headers = header
        reply = harbor.get("/order")
        assert reply.status_code == 401
        assert "error" in reply.json


def test_an_expired_token_is_401(harbor: SimulatorClient) -> None:
    # Given
    harbor.control("PATCH", "/orgs/org_harbor", {"tokenSeconds": -1})
    harbor.sign_in()
    # Then
    assert harbor.get("/order").status_code == 401


def test_withdrawn_tokens_are_401_and_a_new_sign_in_helps(harbor: SimulatorClient) -> None:
    # Given
    harbor.control("POST", "/orgs/org_harbor/withdraw-tokens")
    # Then
    assert harbor.get("/order").status_code == 401
    harbor.sign_in()
    assert harbor.get("/order").status_code == 200


def test_a_token_opens_its_own_org_only(sign_in: Callable[[str], SimulatorClient]) -> None:
    harbor, juniper = sign_in("org_harbor"), sign_in("org_juniper")
    assert harbor.get("/order").json[0]["total_rows"] == 190
    assert juniper.get("/order").json[0]["total_rows"] == 80


def test_a_changed_password_shuts_the_old_one_out(harbor: SimulatorClient) -> None:
    # Given
    old = harbor.org.spec
    harbor.control("PATCH", "/orgs/org_harbor", {"password": "another"})
    # Then
    reply = harbor.post("/auth", username=old.user, password=old.secret, pin=old.pin)
    assert reply.status_code == 401
    assert harbor.sign_in().status_code == 200


def test_an_api_key_opens_the_account_without_a_sign_in(harbor: SimulatorClient) -> None:
    harbor.control("PATCH", "/orgs/org_harbor", {"apiKey": "k3y-of-nobody"})
    for header, value in (
        ("Authorization", "Bearer k3y-of-nobody"),
        ("X-Api-Key", "k3y-of-nobody"),
    ):
        harbor.headers = {header: value}
        assert harbor.get("/location").status_code == 200
    harbor.headers = {"Authorization": "Bearer another"}
    assert harbor.get("/location").status_code == 401
