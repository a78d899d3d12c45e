"""From a location's settings to a client."""

import pytest
from pydantic import ValidationError

from shared.errors import ConfigurationInvalid
from shared.outbound.destinations import Destinations
from tests.unit.pos.alleaves.service import Alleaves
from tests.unit.pos.lightspeed.service import account as lightspeed_account


def test_an_alleaves_location_has_an_alleaves_client() -> None:
    assert Alleaves().client().provider == "alleaves"


def test_another_server_of_the_same_api_may_be_named() -> None:
    alleaves = Alleaves(destinations=Destinations(loopback=True))

    list(alleaves.client(baseUrl="http://127.0.0.1:8085/api/").customers())

    assert alleaves.transport.sent[0].url == "http://127.0.0.1:8085/api/auth"


def test_a_lightspeed_location_has_a_lightspeed_client_and_nothing_is_made_there() -> None:
    account = lightspeed_account(domainPrefix="harbor", token="lsxs_pt_nobody")

    assert account.client.provider == "lightspeed"
    assert account.client.changes is not None
    assert account.client.changes.account == "harbor.retail.lightspeed.app"
    assert account.writer is None


@pytest.mark.parametrize(
    "url",
    [
        "pos.example.com",
        "ftp://pos.example.com",
        "https://",
        "https://user:word@pos.example.com",
        "https://pos.example.com/api?key=1",
        "https://pos.example.com:port",
        "https://[::1",
        "http://app.alleaves.com/api",
        "https://app.alleaves.com:8443/api",
        "https://app.alleaves.com\\@pos.example.com/api",
        "https://127.0.0.1/api",
        "https://[::ffff:169.254.169.254]/api",
        "https://localhost:8085/api",
    ],
)
def test_an_address_that_cannot_be_called_is_the_orgs_to_put_right(url: str) -> None:
    with pytest.raises(ConfigurationInvalid) as raised:
        Alleaves().client(baseUrl=url)

    assert str(raised.value) == (
        "the address in posConfig.baseUrl of location loc-1 must be https://HOST, with a path at"
        " most"
    )


def test_a_host_that_is_not_the_providers_is_the_orgs_to_put_right() -> None:
    with pytest.raises(ConfigurationInvalid) as raised:
        Alleaves().client(baseUrl="https://pos.example.com/api")

    assert str(raised.value) == (
        "the host pos.example.com, which posConfig.baseUrl of location loc-1 names, is none of"
        " those of alleaves (app.alleaves.com): correct it; the operators of Sync Sam can add a"
        " host to PROVIDER_HOSTS"
    )


@pytest.mark.parametrize("prefix", ["-harbor", "harbor-", "harbor.evil", "Harbor", "x" * 64, "é"])
def test_a_prefix_that_is_no_label_of_a_domain_is_refused(prefix: str) -> None:
    with pytest.raises(ValidationError):
        lightspeed_account(domainPrefix=prefix, token="lsxs_pt_nobody")
