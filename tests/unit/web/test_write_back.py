"""The routes that have the POS create something: what is asked for, and of whom."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from shared.domain.write_back import NewCustomer, NewOrder, OrderLine
from shared.errors import UnderWay
from shared.services.admin.audit import Actor
from shared.services.write_back import OutcomeUnknown, RefusedByPos
from shared.store.pos_writes import KeyReused
from shared.web.auth import Staff
from shared.web.routes import write_back
from tests.fakes import FakeSessions
from tests.unit.web.calling import client_of

ORG = "org_cedar"
KEY = "3f0c5a52-0d5e-4a55-9a9b-6f0f7a1f0d11"
ADA = {"firstName": "Ada", "lastName": "Quill", "email": "ada.quill@example.com"}
LINE = {"batchId": "1001", "areaId": "1", "quantity": 1.5}
ORDER = {"customerId": "7", "type": "pickup", "lines": [LINE]}
CUSTOMERS, ORDERS = "/api/pos/customers", "/api/pos/orders"
DISCOUNT = f"{ORDERS}/71/discount"


@dataclass
class Account:
    """Notes what it is asked for; raises ``error``, if it has one, in place of an answer."""

    provider = "alleaves"
    location_id = "1000"
    asked: list[object] = field(default_factory=list)
    error: Exception | None = None

    def __call__(self, org_id: str, location_id: str | None, actor: Actor) -> "Account":
        self.asked += [org_id, location_id]
        return self

    def create_customer(self, key: str, customer: NewCustomer) -> str:
        return self._answer(key, customer)

    def submit_order(self, key: str, order: NewOrder) -> str:
        return self._answer(key, order)

    def apply_discount(self, key: str, order_id: str, discount_id: str) -> None:
        self._answer(key, order_id, discount_id)

    def _answer(self, *asked: object) -> str:
        self.asked += asked
        if self.error is not None:
            raise self.error
        return "4711"


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def client(account: Account) -> Client:
    staff = Staff(FakeSessions(), lambda org_id: org_id)
    opened: Any = account
    return client_of(*write_back.routes(opened, staff))


def send(client: Client, path: str, body: object, **headers: str) -> TestResponse:
    sent = {"Authorization": f"Bearer {ORG}", "Idempotency-Key": KEY, **headers}
    kept = {name: value for name, value in sent.items() if value}
    return client.post(path, json=body, headers=kept)


def code(answer: TestResponse) -> tuple[int, str]:
    assert answer.json is not None
    return answer.status_code, answer.json["error"]["code"]


def test_a_customer_is_created_under_the_callers_key(client: Client, account: Account) -> None:
    body = {**ADA, "phone": "(212) 555-0142", "dateOfBirth": "1990-02-03", "locationId": "main"}

    answer = send(client, CUSTOMERS, body)

    assert answer.status_code == 201
    assert answer.json == {"customerId": "4711", "orgId": ORG, "locationId": "1000"}
    ada = NewCustomer("Ada", "Quill", str(ADA["email"]), "(212) 555-0142", "1990-02-03")
    assert account.asked == [ORG, "main", KEY, ada]


def test_an_order_is_of_the_location_and_its_lines(client: Client, account: Account) -> None:
    answer = send(client, ORDERS, ORDER)

    assert answer.status_code == 201
    assert answer.json == {
        "orderId": "4711",
        "documentId": "alleaves_4711",
        "orgId": ORG,
        "locationId": "1000",
    }
    order = NewOrder("7", "1000", "pickup", (OrderLine("1001", "1", Decimal("1.5")),))
    assert account.asked == [ORG, None, KEY, order]


@pytest.mark.parametrize("order_id", ["71", "alleaves_71"])
def test_the_order_of_a_discount_goes_by_either_id(
    client: Client, account: Account, order_id: str
) -> None:
    answer = send(client, f"{ORDERS}/{order_id}/discount", {"discountId": "2"})

    assert answer.status_code == 200
    assert answer.json is not None
    assert (answer.json["orderId"], answer.json["documentId"]) == ("71", "alleaves_71")
    assert account.asked == [ORG, None, KEY, "71", "2"]


@pytest.mark.parametrize(
    ("path", "body"), [(CUSTOMERS, ADA), (ORDERS, ORDER), (DISCOUNT, {"discountId": "2"})]
)
@pytest.mark.parametrize("key", ["", "two words", "k" * 101, "naïve", "-k"])
def test_without_a_key_that_can_be_one_nothing_is_asked_of_the_pos(
    client: Client, account: Account, path: str, body: object, key: str
) -> None:
    answer = send(client, path, body, **{"Idempotency-Key": key})

    assert code(answer) == (400, "request_invalid")
    assert "Idempotency-Key" in answer.text
    assert account.asked == []


def test_a_key_in_the_query_is_none(client: Client, account: Account) -> None:
    answer = send(client, f"{CUSTOMERS}?Idempotency-Key={KEY}", ADA, **{"Idempotency-Key": ""})

    assert code(answer) == (400, "request_invalid")
    assert account.asked == []


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (CUSTOMERS, {**ADA, "email": None}, "e-mail or a telephone"),
        (CUSTOMERS, {**ADA, "email": "no-email@alleaves.local"}, "e-mail or a telephone"),
        (CUSTOMERS, {**ADA, "email": "ada"}, "email"),
        (CUSTOMERS, {**ADA, "phone": "call me"}, "phone"),
        (CUSTOMERS, {**ADA, "firstName": " "}, "firstName"),
        (CUSTOMERS, {**ADA, "firstName": "A\nda"}, "firstName"),
        (CUSTOMERS, {**ADA, "dateOfBirth": "1990-02-30"}, "dateOfBirth"),
        (CUSTOMERS, {**ADA, "loyaltyPoints": 9}, "loyaltyPoints"),
        (ORDERS, {**ORDER, "lines": []}, "lines"),
        (ORDERS, {**ORDER, "lines": [LINE] * (write_back.MOST_LINES + 1)}, "lines"),
        (ORDERS, {**ORDER, "lines": [{**LINE, "quantity": 0}]}, "quantity"),
        (ORDERS, {**ORDER, "lines": [{**LINE, "price": 1}]}, "price"),
        (ORDERS, {**ORDER, "type": "gift"}, "type"),
        (DISCOUNT, {}, "discountId"),
    ],
)
def test_what_cannot_be_meant_is_named(
    client: Client, account: Account, path: str, body: object, says: str
) -> None:
    answer = send(client, path, body)

    assert code(answer) == (400, "request_invalid")
    assert says in answer.text
    assert account.asked == []


def test_the_org_stands_in_the_query_or_the_body_and_not_in_both_differently(
    client: Client, account: Account
) -> None:
    query = f"{CUSTOMERS}?orgId={ORG}"

    answers = [
        send(client, query, ADA),
        send(client, CUSTOMERS, {**ADA, "orgId": ORG}),
        send(client, query, {**ADA, "orgId": ORG}),
    ]
    assert [answer.status_code for answer in answers] == [201] * 3
    asked = len(account.asked)

    assert code(send(client, query, {**ADA, "orgId": "org_willow"})) == (400, "request_invalid")
    assert len(account.asked) == asked


def test_nobody_writes_to_anothers_pos(client: Client, account: Account) -> None:
    assert code(send(client, f"{CUSTOMERS}?orgId=org_willow", ADA)) == (403, "not_allowed")
    assert code(send(client, CUSTOMERS, ADA, Authorization="")) == (401, "not_signed_in")
    assert account.asked == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnderWay("ask again"), 409),
        (KeyReused("something else"), 422),
        (RefusedByPos("unknown"), 422),
        (OutcomeUnknown("perhaps"), 502),
    ],
)
def test_what_hinders_the_pos_is_answered_by_who_must_act(
    client: Client, account: Account, error: Exception, status: int
) -> None:
    account.error = error

    answer = send(client, CUSTOMERS, ADA)

    assert answer.status_code == status
    assert str(error) in answer.text


def test_the_key_is_described_as_a_header(client: Client) -> None:
    described = client.get("/openapi.json").json
    assert described is not None

    for path in (CUSTOMERS, ORDERS, f"{ORDERS}/{{orderId}}/discount"):
        operation = described["paths"][path]["post"]
        places = {each["name"]: (each["in"], each["required"]) for each in operation["parameters"]}
        assert places["Idempotency-Key"] == ("header", True)
        assert places["orgId"] == ("query", False)
        assert {"409", "422", "502"} <= operation["responses"].keys()
