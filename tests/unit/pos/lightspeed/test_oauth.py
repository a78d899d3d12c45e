"""OAuth at Lightspeed: access tokens that end, and a refresh token that each use replaces."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.errors import ConfigurationInvalid, CredentialsRejected, SecretsUnavailable
from shared.outbound.credentials import TokenCache
from shared.outbound.rotating import RotatingSecrets
from shared.pos.port import PosClient
from tests.unit.pos.fakes import Canned, Sent
from tests.unit.pos.lightspeed.rows import customer
from tests.unit.pos.lightspeed.service import Retailer, path_of

OAUTH: dict[str, Any] = {
    "token": "",
    "clientId": "app-17",
    "clientSecret": "s3cret-of-app",
    "refreshToken": "secret:pos-org_test-refresh",
}


class Vault:
    """Secret Manager with one secret; each process has its own view of it."""

    def __init__(self, text: str = "refresh-1") -> None:
        self.versions = [text]
        self.down = False
        self.read: Callable[[], None] = lambda: None

    def process(self) -> RotatingSecrets:
        return RotatingSecrets(self._read, self._add, "project")

    def _read(self, resource: str) -> str:
        assert resource == "projects/project/secrets/pos-org_test-refresh/versions/latest"
        newest = self.versions[-1]
        self.read()
        return newest

    def _add(self, resource: str, text: str) -> None:
        assert resource == "projects/project/secrets/pos-org_test-refresh"
        if self.down:
            raise SecretsUnavailable("DeadlineExceeded")
        self.versions.append(text)


@pytest.fixture
def retailer() -> Retailer:
    retailer = Retailer()
    retailer.put("customers", customer())
    return retailer


@pytest.fixture
def vault() -> Vault:
    return Vault()


def client(
    retailer: Retailer, secrets: RotatingSecrets, tokens: TokenCache | None = None
) -> PosClient:
    return retailer.client(secrets=secrets, tokens=tokens, **OAUTH)


def rows(pos: PosClient) -> int:
    return sum(page.rows for page in pos.customers())


def refreshes(retailer: Retailer) -> int:
    return sum(path_of(sent) == "/api/1.0/token" for sent in retailer.transport.sent)


def test_a_token_is_fetched_once_and_the_next_refresh_token_is_kept(
    retailer: Retailer, vault: Vault
) -> None:
    # When
    tokens = TokenCache(retailer.time.now)
    process = vault.process()
    assert rows(client(retailer, process, tokens)) == 1
    assert rows(client(retailer, process, tokens)) == 1

    # Then
    assert refreshes(retailer) == 1
    assert vault.versions == ["refresh-1", "refresh-2"]
    asked = retailer.transport.sent[0]
    assert asked.url == "https://harbor.retail.lightspeed.app/api/1.0/token"
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked.body == {
        "grant_type": ["refresh_token"],
        "client_id": ["app-17"],
        "client_secret": ["s3cret-of-app"],
        "refresh_token": ["refresh-1"],
    }


def test_a_token_is_renewed_before_it_ends_and_where_it_ended_early(
    retailer: Retailer, vault: Vault
) -> None:
    pos = client(retailer, vault.process(), TokenCache(retailer.time.now))
    rows(pos)

    retailer.time.passed += 86_400 - 299
    assert rows(pos) == 1
    assert refreshes(retailer) == 2

    retailer.good_tokens.clear()
    assert rows(pos) == 1
    assert refreshes(retailer) == 3
    assert vault.versions[-1] == "refresh-4"


def test_instances_that_refresh_at_once_all_get_a_token(retailer: Retailer, vault: Vault) -> None:
    # Given three instances that have all read the same refresh token
    together = threading.Barrier(3)

    def meet() -> None:
        vault.read = lambda: None if together.broken else _wait(together)

    meet()

    # When
    with ThreadPoolExecutor(3) as pool:
        work = [pool.submit(rows, client(retailer, vault.process())) for _ in range(3)]
        found = [each.result() for each in work]

    # Then
    assert found == [1, 1, 1]
    assert retailer.refreshes == 3
    assert vault.versions[-1] == retailer.refresh_token


def _wait(barrier: threading.Barrier) -> None:
    try:
        barrier.wait(1)
    except threading.BrokenBarrierError:
        return


def test_a_refresh_token_that_is_refused_and_not_replaced_is_the_orgs_turn(
    retailer: Retailer,
) -> None:
    with pytest.raises(CredentialsRejected) as raised:
        rows(client(retailer, Vault("long-gone").process()))

    assert str(raised.value) == (
        "The POS at harbor.retail.lightspeed.app refused a request for signing in (400). Check"
        " clientId, clientSecret and refreshToken of Harbor in the POS settings."
    )
    assert "long-gone" not in str(raised.value)
    assert refreshes(retailer) == 1
    assert retailer.time.passed < 30


def test_a_refresh_token_that_could_not_be_kept_is_kept_with_its_next_use(
    retailer: Retailer, vault: Vault
) -> None:
    # Given
    process = vault.process()
    vault.down = True
    with pytest.raises(
        SecretsUnavailable, match="the secret pos-org_test-refresh, which posConfig"
    ):
        rows(client(retailer, process))

    # When
    vault.down = False
    assert rows(client(retailer, process)) == 1

    # Then
    assert vault.versions == ["refresh-1", "refresh-2", "refresh-3"]


def test_a_pos_that_fails_while_a_token_is_fetched_is_not_the_orgs_turn(
    retailer: Retailer, vault: Vault
) -> None:
    failures = [Canned(500), Canned(500)]

    def interfere(sent: Sent) -> Canned | None:
        return failures.pop() if failures and path_of(sent) == "/api/1.0/token" else None

    retailer.interfere = interfere

    assert rows(client(retailer, vault.process())) == 1
    assert vault.versions == ["refresh-1", "refresh-2"]


@pytest.mark.parametrize(
    "given",
    ["refresh-1", "secret:pos-org_test-refresh/versions/3", "secret:", "secret:pos-org_b-r"],
)
def test_a_refresh_token_that_cannot_be_replaced_is_refused(
    retailer: Retailer, vault: Vault, given: str
) -> None:
    with pytest.raises(ConfigurationInvalid) as raised:
        retailer.client(secrets=vault.process(), **{**OAUTH, "refreshToken": given})

    assert "posConfig.refreshToken of location harbor" in str(raised.value)
    assert "refresh-1" not in str(raised.value)


def test_what_oauth_lacks_is_named(retailer: Retailer, vault: Vault) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"posConfig\.clientSecret is missing"):
        retailer.client(secrets=vault.process(), **{**OAUTH, "clientSecret": ""})
