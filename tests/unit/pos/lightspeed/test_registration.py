"""Registering webhooks at a Lightspeed account."""

from typing import Any, cast

import pytest

from shared.errors import CredentialsRejected, ProviderFailed
from shared.pos.config import LightspeedConfig
from shared.pos.lightspeed.api import LightspeedApi
from shared.pos.lightspeed.registration import (
    Registered,
    RegisteredWebhook,
    WebhookRegistry,
)
from shared.pos.lightspeed.webhooks import ADDRESS_PATH, KINDS
from tests.unit.pos.lightspeed.account import Account
from tests.unit.pos.outside import Outside

HOST = "https://hooks.example.com"
ADDRESS = f"{HOST}{ADDRESS_PATH}/org_a/{'s' * 32}"
BEFORE = f"{HOST}{ADDRESS_PATH}/org_a/{'o' * 32}"
OTHERS = (
    "https://elsewhere.example.com/hook",
    f"{HOST}{ADDRESS_PATH}/org_ab/{'s' * 32}",
    f"{HOST}{ADDRESS_PATH}",
)


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def registry(account: Account) -> WebhookRegistry:
    config = LightspeedConfig.model_validate(
        {
            "provider": "lightspeed",
            "status": "active",
            "domainPrefix": "harbor",
            "token": "lsxs_pt_1",
        }
    )
    session = Outside(account.answer).session
    return WebhookRegistry(LightspeedApi(session, config, location_name="Main Street"))


def test_every_event_that_is_of_use_is_registered_once(
    account: Account, registry: WebhookRegistry
) -> None:
    first = registry.register("org_a", ADDRESS)
    account.sent.clear()
    again = registry.register("org_a", ADDRESS)

    assert first == Registered(list(KINDS), [], [])
    assert again == Registered([], sorted(KINDS), [])
    assert account.urls() == {ADDRESS: list(KINDS)}
    assert account.sent == [("GET", "")]


def test_other_addresses_of_the_org_are_replaced_and_those_of_others_stay(
    account: Account, registry: WebhookRegistry
) -> None:
    for url in (BEFORE, f"https://old.example.com/x{ADDRESS_PATH}/org_a", *OTHERS):
        account.add(url)
    account.add(ADDRESS, "customer.update", active=False)
    account.add(ADDRESS, "product.update")

    done = registry.register("org_a", ADDRESS)

    assert sorted(account.urls()) == sorted((ADDRESS, *OTHERS))
    assert sorted(account.urls()[ADDRESS]) == sorted(KINDS)
    assert done.kept == ["product.update"]
    assert sorted(done.removed) == ["customer.update", "sale.update", "sale.update"]
    assert all(each["active"] for each in account.registered.values())


def test_the_new_address_is_registered_before_the_old_one_is_taken_out(
    account: Account, registry: WebhookRegistry
) -> None:
    account.add(BEFORE)

    registry.register("org_a", ADDRESS)

    methods = [method for method, _ in account.sent]
    assert methods == ["GET", *["POST"] * len(KINDS), "DELETE"]


def test_one_that_somebody_else_registers_or_takes_out_meanwhile_is_no_error(
    account: Account, registry: WebhookRegistry
) -> None:
    account.add(BEFORE)
    account.refuse = {"POST": 409, "DELETE": 404}

    assert registry.register("org_a", ADDRESS).added == list(KINDS)


def test_those_of_the_org_are_taken_out(account: Account, registry: WebhookRegistry) -> None:
    for url in (ADDRESS, BEFORE, *OTHERS):
        account.add(url)

    assert registry.remove("org_a") == ["sale.update", "sale.update"]
    assert registry.remove("org_a") == []
    assert sorted(account.urls()) == sorted(OTHERS)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_the_scope_it_is_said_which_one_is_needed(
    account: Account, registry: WebhookRegistry, method: str
) -> None:
    account.refuse = {method: 403}

    with pytest.raises(CredentialsRejected, match="scope webhooks") as refused:
        registry.register("org_a", ADDRESS)

    assert "Main Street" in str(refused.value)
    assert "s" * 32 not in str(refused.value)


def test_what_may_have_been_done_is_not_sent_again(
    account: Account, registry: WebhookRegistry
) -> None:
    account.refuse = {"POST": 500}

    with pytest.raises(ProviderFailed):
        registry.register("org_a", ADDRESS)

    assert [method for method, _ in account.sent] == ["GET", "POST"]


@pytest.mark.parametrize("row", [None, 7, {}, {"id": 7}, {"id": "w", "type": None, "url": "u"}])
def test_what_cannot_be_read_in_the_list_is_left_out(
    account: Account, registry: WebhookRegistry, row: object
) -> None:
    account.add(BEFORE)
    account.registered |= {"w": cast(Any, row)}

    assert [each.url for each in registry.all()] == [BEFORE]


def test_an_address_is_not_in_what_is_logged_of_it() -> None:
    assert "s" * 32 not in repr(RegisteredWebhook("w", "sale.update", ADDRESS))
