"""From what the emulators send to what Eventarc sends."""

import base64
import json
from datetime import UTC, datetime

from google.events.cloud.firestore import Document, DocumentEventData, MapValue, Value
from google.pubsub_v1.types import PubsubMessage

from deploy.local.cloudevents import attributes_of, from_push, push_of
from deploy.local.update_mask import with_update_mask

TOPIC = "projects/demo-p/topics/letters"
SUBSCRIPTION = "projects/demo-p/subscriptions/s"
FIRESTORE_HEADERS = {
    "Ce-Specversion": "1.0",
    "Ce-Type": "google.cloud.firestore.document.v1.written",
    "Ce-Source": "//firestore.googleapis.com/projects/projects/demo-p/databases/(default)",
    "Ce-Id": "event-1",
    "Ce-Document": "tenants/a/orders/1",
    "Content-Type": "application/protobuf",
    "User-Agent": "Google-HTTP-Java-Client",
}


def order(**fields: Value) -> Document:
    return Document(name="projects/demo-p/databases/(default)/documents/o/1", fields=fields)


def update(old: Document, new: Document) -> bytes:
    data: bytes = DocumentEventData.serialize(DocumentEventData(old_value=old, value=new))
    return data


def changed(data: bytes) -> list[str]:
    return list(DocumentEventData.deserialize(with_update_mask(data)).update_mask.field_paths)


def text(value: str) -> Value:
    return Value(string_value=value)


def nested(**fields: Value) -> Value:
    return Value(map_value=MapValue(fields=fields))


def test_a_push_is_passed_on_whole() -> None:
    # Given
    message = {"messageId": "7", "publishTime": "2026-01-02T03:04:05Z", "orderingKey": "k"}
    push = {"subscription": SUBSCRIPTION, "message": message}
    # When
    event = from_push(push, TOPIC)
    # Then
    assert event.id == "7"
    assert event.headers["ce-time"] == "2026-01-02T03:04:05Z"
    assert event.headers["ce-source"] == f"//pubsub.googleapis.com/{TOPIC}"
    assert json.loads(event.body) == push


def test_a_message_is_pushed_in_the_body_of_pubsub() -> None:
    # Given
    at = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
    message = PubsubMessage(data=b"{}", attributes={"a": "b"}, message_id="7", publish_time=at)
    # Then
    assert push_of(message, SUBSCRIPTION) == {
        "subscription": SUBSCRIPTION,
        "message": {
            "data": "e30=",
            "attributes": {"a": "b"},
            "messageId": "7",
            "message_id": "7",
            "publishTime": "2026-01-02T03:04:05.678Z",
            "publish_time": "2026-01-02T03:04:05.678Z",
        },
    }


def test_what_a_message_does_not_have_is_not_pushed() -> None:
    # When
    pushed = push_of(PubsubMessage(attributes={"a": "b"}, message_id="7"), SUBSCRIPTION)
    # Then
    assert not {"data", "orderingKey"} & pushed["message"].keys()


def test_a_firestore_event_comes_out_of_its_message_as_itself() -> None:
    # Given
    data = DocumentEventData.serialize(DocumentEventData(value=order(a=text("x"))))
    message = {
        "messageId": "7",
        "attributes": attributes_of(FIRESTORE_HEADERS),
        "data": base64.b64encode(data).decode(),
    }
    # When
    event = from_push({"message": message}, TOPIC)
    # Then
    assert event.body == data
    assert event.id == "event-1"
    assert event.headers["content-type"] == "application/protobuf"
    assert event.headers["ce-document"] == "tenants/a/orders/1"


def test_the_emulators_doubled_project_is_put_right_and_other_headers_stay_behind() -> None:
    # When
    attributes = attributes_of(FIRESTORE_HEADERS)
    # Then
    assert attributes["ce-source"].endswith(".com/projects/demo-p/databases/(default)")
    assert all(name.startswith("ce-") for name in attributes)


def test_an_update_names_the_fields_that_changed_came_and_went() -> None:
    # Given
    old = order(same=text("s"), status=text("ready"), gone=text("g"))
    new = order(same=text("s"), status=text("completed"), added=text("a"))
    # Then
    assert changed(update(old, new)) == ["added", "gone", "status"]


def test_a_changed_map_names_its_changed_fields() -> None:
    # Given
    old = order(customer=nested(name=text("Wren"), email=text("a@example.test")))
    new = order(customer=nested(name=text("Wren"), email=text("b@example.test")))
    # Then
    assert changed(update(old, new)) == ["customer.email"]


def test_a_name_that_is_no_identifier_is_quoted() -> None:
    assert changed(update(order(**{"a-b": text("1")}), order(**{"a-b": text("2")}))) == ["`a-b`"]


def test_a_creation_and_a_deletion_change_no_fields() -> None:
    for event in (DocumentEventData(value=order()), DocumentEventData(old_value=order())):
        data = DocumentEventData.serialize(event)
        assert with_update_mask(data) == data
