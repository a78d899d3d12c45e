"""Alpine IQ's answers, as documented and as tolerantly read."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from shared.domain.loyalty import ProviderAnswer, ProviderStatus
from shared.errors import (
    CredentialsRejected,
    ProviderBusy,
    ProviderFailed,
    ProviderRefused,
    ReplyUnreadable,
)
from shared.loyalty.alpine_iq import AlpineIqSettings
from shared.loyalty.port import UNKNOWN_CONTACT
from shared.outbound.credentials import SecretResolver
from shared.outbound.session import HttpSession, HttpSettings
from tests.unit.pos.fakes import Canned, FakeTime, FakeTransport, Sent, in_turn, ok

PHONE = "+12125550100"
EMAIL = "ada@example.com"
KEY = "aiq-key-of-a-test"
SECRETS = SecretResolver(lambda resource: f"text of {resource}", "project", plain_text=True)
NOT_FOUND = Canned(404, b'{"success":false,"data":null,"errors":[{"message":"none"}],"code":404}')


class Account:
    """A client whose calls are answered by ``respond``."""

    def __init__(self, respond: Callable[[Sent], Canned]) -> None:
        self.time = FakeTime()
        self.transport = FakeTransport(respond)
        self.admitted = 0
        self.http = HttpSession(
            HttpSettings(attempts=3),
            transport=self.transport,
            sleep=self.time.sleep,
            monotonic=self.time.monotonic,
            clock=self.time.now,
        )
        settings = AlpineIqSettings.model_validate({"userId": 4321, "apiKey": KEY})
        self.client = settings.open("org_test", self.http, SECRETS, admit=self._admit)

    def _admit(self) -> None:
        self.admitted += 1

    @property
    def asked(self) -> list[Any]:
        return [sent.body for sent in self.transport.sent]


def wallet(**data: Any) -> Canned:
    return ok({"success": True, "data": data, "errors": None, "code": 200})


FOUND = wallet(contactID="123", loyaltyPoints=240, hidePointsInWallet=False, discountTemplates=[])


def test_a_look_up_is_the_documented_call() -> None:
    # Given
    account = Account(in_turn(FOUND))
    # When
    answer = account.client.look_up(PHONE, EMAIL)
    # Then
    assert answer == ProviderAnswer(ProviderStatus.FOUND, 240, "123")
    (sent,) = account.transport.sent
    assert (sent.method, sent.url) == ("POST", "https://lab.alpineiq.com/api/v2/wallet")
    assert sent.headers["X-APIKEY"] == KEY
    assert sent.body == {"phone": PHONE}


def test_somebody_unknown_by_phone_is_looked_up_by_e_mail() -> None:
    # Given
    account = Account(in_turn(NOT_FOUND, FOUND))
    # When
    answer = account.client.look_up(PHONE, EMAIL)
    # Then
    assert answer.points == 240
    assert account.asked == [{"phone": PHONE}, {"email": EMAIL}]


@pytest.mark.parametrize(
    ("phone", "email", "calls"),
    [(PHONE, None, 1), (None, EMAIL, 1), (PHONE, EMAIL, 2), (None, None, 0)],
)
def test_an_unknown_contact_is_an_answer(phone: str | None, email: str | None, calls: int) -> None:
    # Given
    account = Account(in_turn(NOT_FOUND))
    # When / Then
    assert account.client.look_up(phone, email) == UNKNOWN_CONTACT
    assert len(account.asked) == calls


@pytest.mark.parametrize(
    "reply",
    [
        NOT_FOUND,
        Canned(400, b"{}"),
        ok({"success": False, "data": None, "errors": [{"message": "no"}], "code": 404}),
        ok({"success": False, "data": None, "errors": [{"message": "no"}], "code": 400}),
        ok({"success": True, "data": None}),
        wallet(),
        wallet(contactID=None, loyaltyPoints=0),
        wallet(contactID="", loyaltyPoints=0),
        wallet(contactID=0, loyaltyPoints=0),
    ],
)
def test_all_ways_to_say_that_somebody_is_unknown_are_read(reply: Canned) -> None:
    assert Account(in_turn(reply)).client.look_up(PHONE, None) == UNKNOWN_CONTACT


@pytest.mark.parametrize(
    "reply",
    [
        wallet(contactID="123", loyaltyPoints=0, hidePointsInWallet=True),
        wallet(contactID="123", hidePointsInWallet=False),
        wallet(contactID="123", loyaltyPoints=None),
    ],
)
def test_points_that_are_hidden_or_not_told_are_unknown_not_0(reply: Canned) -> None:
    # When
    answer = Account(in_turn(reply)).client.look_up(PHONE, EMAIL)
    # Then
    assert answer == ProviderAnswer(ProviderStatus.HIDDEN, None, "123")


@pytest.mark.parametrize(("told", "points"), [(0, 0), (240.0, 240), ("240", 240), (-5, -5)])
def test_points_are_read_as_they_come(told: object, points: int) -> None:
    answer = Account(in_turn(wallet(contactID=99, loyaltyPoints=told))).client.look_up(PHONE, None)
    assert answer == ProviderAnswer(ProviderStatus.FOUND, points, "99")


@pytest.mark.parametrize(
    ("reply", "error", "calls"),
    [
        (Canned(403), CredentialsRejected, 1),
        (Canned(401), CredentialsRejected, 1),
        (ok({"success": False, "code": 403, "errors": None}), CredentialsRejected, 1),
        (Canned(422), ProviderRefused, 1),
        (Canned(500), ProviderFailed, 3),
        (Canned(429), ProviderBusy, 3),
        (Canned(body=b'{"success":tr'), ReplyUnreadable, 3),
        (ok({"points": 420, "tier": "Platinum"}), ReplyUnreadable, 3),
        (ok({"success": False, "code": 500}), ReplyUnreadable, 3),
        (wallet(contactID="1", loyaltyPoints="many"), ReplyUnreadable, 3),
    ],
)
def test_no_answer_is_an_error_that_says_whose_turn_it_is(
    reply: Canned, error: type[Exception], calls: int
) -> None:
    # Given
    account = Account(in_turn(reply))
    # When
    with pytest.raises(error) as raised:
        account.client.look_up(PHONE, EMAIL)
    # Then: asked again only where that may help, each time with leave to do so
    assert len(account.asked) == account.admitted == calls
    # and neither the customer nor the key is in the message
    assert not any(secret in str(raised.value) for secret in (PHONE[2:], EMAIL, KEY))


def test_a_broken_connection_is_tried_again() -> None:
    # Given
    account = Account(in_turn(requests.ConnectionError("broken"), FOUND))
    # When / Then
    assert account.client.look_up(PHONE, None).points == 240
    assert account.admitted == 2


def test_a_key_may_be_a_reference() -> None:
    # Given
    account = Account(in_turn(FOUND))
    settings = AlpineIqSettings.model_validate(
        {"userId": 4321, "apiKey": "secret:pos-org_test-aiq"}
    )
    # When
    settings.open("org_test", account.http, SECRETS, admit=lambda: None).look_up(PHONE, None)
    # Then
    (sent,) = account.transport.sent
    assert (
        sent.headers["X-APIKEY"]
        == "text of projects/project/secrets/pos-org_test-aiq/versions/latest"
    )
    assert settings.rate_limit_id == "alpine_iq-4321"


def test_the_account_says_nothing_of_its_key() -> None:
    settings = AlpineIqSettings.model_validate({"userId": "4321", "apiKey": KEY})
    assert KEY not in repr(settings) + str(settings)
