"""What an org may set of its loyalty programme."""

from decimal import Decimal
from typing import Any

import pytest

from shared.domain.loyalty import DEFAULT_TIERS, LoyaltyRules
from shared.domain.rate_limit import Limit
from shared.errors import ConfigurationInvalid
from shared.store.tenants import TenantLoyalty

KEY = "aiq-key-of-a-test"


def tenant(**fields: Any) -> TenantLoyalty:
    return TenantLoyalty("org_test", fields)


def test_an_org_that_sets_nothing_has_the_default_programme_and_no_account() -> None:
    assert tenant().rules() == LoyaltyRules()
    assert tenant(loyaltySettings=None, alpineIq=None).rules().tiers == DEFAULT_TIERS
    assert tenant().account() is None


def test_an_org_sets_what_it_likes_and_leaves_the_rest() -> None:
    # Given numbers as Firestore has them
    tiers = [{"id": "platinum", "name": "Platinum", "threshold": 2000, "color": "#EEE"}]
    own = tenant(loyaltySettings={"pointsPerDollar": 1.1, "tiers": tiers})
    # When
    rules = own.rules()
    # Then 1.1 is 11/10, not its double
    assert rules.points_per_dollar == Decimal("1.1")
    assert [tier.id for tier in rules.tiers] == ["platinum"]
    assert rules.equity_multiplier == Decimal("1.2")


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        ({}, (Limit(5, 1), Limit(120, 60), Limit(2_000, 3600))),
        ({"rateLimit": {"perSecond": 20}}, (Limit(20, 1), Limit(120, 60), Limit(2_000, 3600))),
        ({"rateLimit": {"perMinute": None, "perHour": None}}, (Limit(5, 1),)),
    ],
)
def test_an_account_has_the_default_rate_limit_unless_it_sets_its_own(
    given: dict[str, Any], limits: tuple[Limit, ...]
) -> None:
    account = tenant(alpineIq={"userId": 4321, "apiKey": KEY, **given}).account()
    assert account is not None
    assert account.limits == limits
    assert account.user_id == "4321"


def test_an_account_may_be_free_of_limits() -> None:
    account = tenant(alpineIq={"userId": "1", "apiKey": KEY, "rateLimit": None}).account()
    assert account is not None
    assert account.limits == ()


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"alpineIq": {"userId": "4321"}}, "apiKey"),
        ({"alpineIq": {"userId": "a/b", "apiKey": KEY}}, "userId"),
        ({"alpineIq": {"userId": "1", "apiKey": KEY, "baseUrl": "ftp:/x"}}, "baseUrl"),
        ({"alpineIq": {"userId": "1", "apiKey": KEY, "rateLimit": {"perHour": 0}}}, "perHour"),
        ({"alpineIq": KEY}, "document"),
    ],
)
def test_a_wrong_account_is_the_orgs_to_correct(fields: dict[str, Any], at_fault: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=at_fault) as raised:
        tenant(**fields).account()
    assert KEY not in str(raised.value)
    assert tenant(**fields).rules() == LoyaltyRules(), "points can still be calculated"


@pytest.mark.parametrize(
    "settings", [{"pointsPerDollar": -1}, {"equityMultiplier": "much"}, {"tiers": [{"id": "x"}]}]
)
def test_wrong_rules_are_the_orgs_to_correct(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationInvalid, match="loyaltySettings in tenants/org_test"):
        tenant(loyaltySettings=settings).rules()
