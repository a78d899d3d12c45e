"""From a location's settings to a client."""

import pytest

from shared.errors import ConfigurationInvalid
from tests.unit.pos.alleaves.service import Alleaves
from tests.unit.pos.lightspeed.service import account as lightspeed_account


def test_an_alleaves_location_has_an_alleaves_client() -> None:
    assert Alleaves().client().provider == "alleaves"


def test_another_server_of_the_same_api_may_be_named() -> None:
    alleaves = Alleaves()

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
    ],
)
def test_an_address_that_cannot_be_called_is_the_orgs_to_put_right(url: str) -> None:
    with pytest.raises(ConfigurationInvalid) as raised:
        Alleaves().client(baseUrl=url)

    assert str(raised.value) == "The base URL in the POS settings of Main Street is not valid."
