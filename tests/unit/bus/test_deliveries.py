"""From an event to the message that it carries, whatever the event holds."""

import base64
from typing import Any

import pytest
from cloudevents.http import CloudEvent

from shared.bus.events import REPLAY_OF, Delivery, delivery
from shared.domain.ids import is_document_id
from shared.errors import InvalidMessage


def event(data: Any, event_id: str = "event-1") -> CloudEvent:
    return CloudEvent({"id": event_id, "source": "//pubsub", "type": "published"}, data)


def received(**message: Any) -> Delivery:
    return delivery(event({"message": message}))


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


POISON = [
    pytest.param(b"[" * 100_000, id="nested deeply"),
    pytest.param(b'{"a":' * 100_000, id="objects nested deeply"),
    pytest.param(b'{"orgId": "\\ud800"}', id="a lone surrogate"),
    pytest.param(b'{"\\uDFFF": 1}', id="a lone surrogate as a key"),
    pytest.param(b"1" * 5_000, id="a number of 5,000 digits"),
    pytest.param(b"\xff\xfe", id="no UTF-8"),
    pytest.param(b"{'orgId': 1}", id="no JSON"),
    pytest.param(b"", id="nothing"),
]


@pytest.mark.parametrize("data", POISON)
def test_what_cannot_be_decoded_is_an_invalid_message(data: bytes) -> None:
    with pytest.raises(InvalidMessage):
        received(messageId="1", data=encoded(data)).json()


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert received(data=encoded(b'{"name": "\\ud83c\\udf3f"}')).json() == {"name": "🌿"}


@pytest.mark.parametrize(
    "message_id", ["a/b", ".", "..", "__id__", "x" * 201, "\ud800", "", None, 4711, ["1"]]
)
def test_the_id_can_always_be_that_of_a_document_and_is_the_same_each_time(message_id: Any) -> None:
    first, second = received(messageId=message_id), received(messageId=message_id)

    assert is_document_id(first.id)
    assert first.id == second.id


@pytest.mark.parametrize(
    ("given", "data"),
    [
        (None, b""),
        ("", b""),
        (encoded(b"\x00\xff"), b"\x00\xff"),
        ("no base64", b"no base64"),
        ("hügel", "hügel".encode()),
        ("\ud800", b"\\ud800"),
        ({"orgId": "org_a"}, b"{'orgId': 'org_a'}"),
    ],
)
def test_the_data_are_kept_whatever_they_are(given: Any, data: bytes) -> None:
    assert received(data=given).data == data


@pytest.mark.parametrize("data", [None, "text", b"\xff", [1], {"message": "text"}])
def test_an_event_without_a_message_is_an_empty_one(data: Any) -> None:
    assert delivery(event(data)) == Delivery("event-1", b"", {})


@pytest.mark.parametrize(
    ("attributes", "kept"),
    [(None, {}), ("ab", {}), ([["a", "b"]], {}), ({"a": "b", "c": 1, "d": [2]}, {"a": "b"})],
)
def test_attributes_are_texts(attributes: Any, kept: dict[str, str]) -> None:
    assert received(attributes=attributes).attributes == kept


def test_a_message_that_was_sent_again_is_recorded_as_the_one_before() -> None:
    assert received(messageId="2", attributes={REPLAY_OF: "1"}).letter_id == "1"
    assert received(messageId="2", attributes={REPLAY_OF: "a/b"}).letter_id == "2"
    assert received(messageId="2").letter_id == "2"
