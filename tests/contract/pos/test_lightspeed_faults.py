"""What goes wrong at Lightspeed alone: lists by version, tokens, the rate limit."""

import pytest

from shared.errors import ConfigurationInvalid, CredentialsRejected, ProviderBusy, ReplyUnreadable
from tests.contract.pos.conftest import Pos


@pytest.mark.parametrize("times", [1, None])
def test_a_page_cut_short_costs_a_call_and_loses_nothing(pos: Pos, times: int | None) -> None:
    # Given: the list goes on after the last row that came
    pos.fault("short_page", endpoint="customers", keep=7, page=3, count=times)

    # When
    pages = list(pos.client("org_retail").customers())

    # Then
    ids = [record.id for page in pages for record in page.records]
    assert ids == pos.held("org_retail").customers
    assert 7 in [page.rows for page in pages]


def test_a_page_that_comes_again_and_again_is_an_error(pos: Pos) -> None:
    # Given
    pos.fault("repeated_page", endpoint="customers", page=3)

    # When / Then
    with pytest.raises(ReplyUnreadable, match="cannot be read"):
        list(pos.client("org_retail").customers())


def test_a_page_that_came_twice_is_overcome(pos: Pos) -> None:
    # Given
    pos.fault("repeated_page", endpoint="customers", page=3, count=1)

    # When
    pages = list(pos.client("org_retail").customers())

    # Then
    ids = [record.id for page in pages for record in page.records]
    assert ids == pos.held("org_retail").customers


def test_damaged_customers_are_rejected_and_the_rest_is_read(pos: Pos) -> None:
    # Given: two of them, the last of a page among them
    pos.fault("malformed", endpoint="customers", damage="missing_id", records=2, first=98)

    # When
    pages = list(pos.client("org_retail").customers())

    # Then
    assert [bad.code for page in pages for bad in page.rejected] == ["missing_id"] * 2
    listed = sum(len(page.records) for page in pages)
    assert listed == len(pos.held("org_retail").customers) - 2


@pytest.mark.parametrize("wrong", [{"token": "lsxs_pt_of_nobody"}])
def test_a_wrong_token_is_tried_once(pos: Pos, wrong: dict[str, str]) -> None:
    # When
    with pytest.raises(CredentialsRejected, match="Check the token of Main Street"):
        list(pos.client("org_retail", name="Main Street", **wrong).customers())

    # Then
    assert pos.calls("org_retail", "customers") == 1


def test_a_token_withdrawn_in_mid_run_is_the_orgs_turn(pos: Pos) -> None:
    # Given
    pages = pos.client("org_retail").customers()
    next(pages)

    # When
    pos.retailer("org_retail").withdraw_tokens()

    # Then
    with pytest.raises(CredentialsRejected):
        list(pages)


def test_a_token_of_oauth_withdrawn_in_mid_run_is_renewed(pos: Pos) -> None:
    # Given
    retailer = pos.retailer("org_consented")
    pages = pos.client("org_consented").customers()
    first = next(pages)

    # When
    retailer.withdraw_tokens()
    rest = list(pages)

    # Then
    ids = [record.id for page in [first, *rest] for record in page.records]
    assert ids == pos.held("org_consented").customers
    assert pos.calls("org_consented", "auth") == 2
    kept = pos.kept[f"projects/p/secrets/{retailer.spec.oauth_secret}"]
    assert kept == f"{retailer.spec.refresh_token[:-1]}2"


def test_a_refresh_token_that_was_used_up_is_the_orgs_turn(pos: Pos) -> None:
    # Given: somebody else has used it
    retailer = pos.retailer("org_consented")
    form = {
        "client_id": retailer.spec.client_id,
        "client_secret": retailer.spec.client_secret,
        "grant_type": "refresh_token",
        "refresh_token": retailer.spec.refresh_token,
    }
    retailer.tokens.grant(retailer.spec, form)

    # When / Then
    with pytest.raises(CredentialsRejected, match="Check clientId, clientSecret and refreshToken"):
        list(pos.client("org_consented").customers())


def test_a_prefix_of_nobody_is_the_orgs_turn(pos: Pos) -> None:
    with pytest.raises(ConfigurationInvalid, match="Check baseUrl and apiVersion of Main Street"):
        list(
            pos.client(
                "org_retail",
                name="Main Street",
                baseUrl=f"http://{pos.host_of('org_retail')}/nobody",
            ).customers()
        )


def test_a_window_that_ends_late_makes_the_pos_busy(pos: Pos) -> None:
    # Given
    retailer = pos.retailer("org_retail")
    for _ in range(retailer.spec.rate_limit):
        retailer.rate.take(retailer.spec)

    # When / Then
    with pytest.raises(ProviderBusy, match="it asks not to be called before 20"):
        list(pos.client("org_retail").customers())
