"""Messages of any kind whatever among the dead letters: each is recorded, none twice."""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cloudevents.http import CloudEvent
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deploy.manifest import Manifest
from shared.bus.events import delivery
from shared.bus.messages import PosSync
from shared.entry import MessageConsumer
from shared.services.alerts import Alerts
from shared.services.dead_letters import RecordDeadLetter, ReplayDeadLetters, topic_of
from shared.store import dead_letters
from shared.store.database import Database
from tests.fakes import OffsetClock
from tests.stored import StoredDocuments

MANIFEST = Manifest.read()
SUBSCRIPTION = "CloudPubSubDeadLetterSourceSubscription"
FROM_SYNC = {SUBSCRIPTION: "org-sync-push"}
MOST_BYTES = 900_000

Receive = Callable[[CloudEvent], None]


@pytest.fixture
def give_up(database: Database, clock: OffsetClock, alerts: Alerts) -> Receive:
    """What ``dead_letter`` does with an event."""
    record = RecordDeadLetter(database, alerts, clock.now)
    return lambda event: record(delivery(event))


@pytest.fixture
def consume(database: Database, clock: OffsetClock) -> Receive:
    """What ``org_sync`` does with an event, where every valid message is done at once."""
    return MessageConsumer("pos-sync", PosSync, lambda message, received: None, database, clock.now)


def event(data: bytes | str | None, message_id: str = "4711", **attributes: Any) -> CloudEvent:
    encoded = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    message = {"messageId": message_id, "data": encoded, "attributes": FROM_SYNC | attributes}
    return CloudEvent({"id": "1", "source": "s", "type": "t"}, {"message": message})


def document_bytes(fields: Mapping[str, Any]) -> int:
    return len(json.dumps(fields, default=str, ensure_ascii=False).encode())


HUGE = json.dumps({"orgId": "org_a", "runId": "r", "requestedBy": "x" * 1_200_000}).encode()
POISON = [
    pytest.param(b"[" * 100_000, id="nested deeply"),
    pytest.param(b'{"orgId": "\\ud800", "runId": "r", "trigger": "cron"}', id="lone surrogate"),
    pytest.param(b'{"orgId": "a/b"}', id="no id of an org"),
    pytest.param(b'{"orgId": "__a__", "runId": "r", "trigger": "cron"}', id="a reserved id"),
    pytest.param(HUGE, id="1.2 MB"),
    pytest.param(b"\xff" * 1_200_000, id="1.2 MB of no text"),
    pytest.param("ü" * 1_200_000, id="2.4 MB that are not base64"),
    pytest.param("\ud800", id="a lone surrogate that is not base64"),
    pytest.param(None, id="no data"),
]


@pytest.mark.parametrize("data", POISON)
@pytest.mark.parametrize("door", ["give_up", "consume"])
def test_a_message_that_nobody_can_read_is_recorded_once(
    request: pytest.FixtureRequest,
    store: StoredDocuments,
    clock: OffsetClock,
    data: bytes | str | None,
    door: str,
) -> None:
    # Given a message of that kind
    receive: Receive = request.getfixturevalue(door)
    sent = delivery(event(data)).data

    # When it is received twice
    receive(event(data))
    first = store.document("dead_letters/4711")
    receive(event(data))
    second = store.document("dead_letters/4711")

    # Then it is recorded once, within the size of a document, with what proves which one it was
    assert set(store.documents("dead_letters")) == {"4711"}
    assert document_bytes(first) < MOST_BYTES
    assert first["dataBytes"] == len(sent)
    assert first["dataSha256"] == hashlib.sha256(sent).hexdigest()
    assert first["truncated"] is (first["data"].encode() != sent)
    assert first["orgId"] in (None, "org_a")
    assert first["expireAt"] == first["lastSeenAt"] + dead_letters.KEPT
    assert {k for k in first if first[k] != second[k]} == {"lastSeenAt", "expireAt"}


@pytest.mark.parametrize("message_id", ["a/b", "..", "__a__", "x" * 2_000, "\ud800"])
def test_an_id_that_no_document_can_have_is_replaced_by_a_hash(
    store: StoredDocuments, give_up: Receive, consume: Receive, message_id: str
) -> None:
    give_up(event(b"poison", message_id))
    consume(event(b"poison", message_id))

    (letter,) = store.documents("dead_letters").values()
    assert letter["data"] == "poison"


@pytest.mark.parametrize("source", ["x" * 1_200_000, "\ud800", "a/b", "", 7, ["org-sync"], None])
def test_whatever_the_subscription_is_called_the_letter_is_recorded(
    store: StoredDocuments, give_up: Receive, source: Any
) -> None:
    give_up(event(b"poison", **{SUBSCRIPTION: source}))

    assert store.document("dead_letters/4711")["data"] == "poison"


def test_a_letter_that_was_not_kept_whole_is_left_and_does_not_stop_the_others(
    database: Database, clock: OffsetClock, store: StoredDocuments, give_up: Receive
) -> None:
    # Given two letters that were not kept as they were, and one that was
    give_up(event(HUGE, "1"))
    give_up(event(b"\xff", "2"))
    give_up(event(b'{"orgId": "org_a", "runId": "r", "trigger": "cron"}', "3"))
    sent: list[str] = []
    replay = ReplayDeadLetters(
        database,
        lambda topic, text, attributes: sent.append(text),
        lambda source: topic_of(source, MANIFEST.topics_of_functions),
        clock.now,
    )

    # When one is replayed
    outcome = replay(None, None, 1)

    # Then it is the one that can be sent, and the others are left, each with the reason
    assert [json.loads(text)["runId"] for text in sent] == ["r-replay-3"]
    assert outcome.sent == 1
    assert all("excerpt" in why for why in outcome.left.values())
    assert replay(None, "1", 1).left.keys() == {"1"}
    assert store.document("dead_letters/1")["replayedAt"] is None


@pytest.mark.parametrize(
    "data", [b"no JSON", b'{"orgId": "org_a", "runId": "r"}', b"", b"[" * 9_999]
)
def test_a_message_that_stays_invalid_is_not_recorded_anew_when_it_is_sent_again(
    database: Database,
    clock: OffsetClock,
    store: StoredDocuments,
    consume: Receive,
    data: bytes,
) -> None:
    # Given an invalid message
    consume(event(data))
    published: list[CloudEvent] = []

    def publish(topic: str, text: str, attributes: Mapping[str, str]) -> None:
        published.append(event(text.encode(), f"again-{len(published)}", **attributes))

    replay = ReplayDeadLetters(
        database, publish, lambda source: topic_of(source, MANIFEST.topics_of_functions), clock.now
    )

    # When it is sent again, thrice
    for _ in range(3):
        assert replay(None, "4711", 1).sent == 1
        consume(published[-1])

    # Then it is one letter still
    assert set(store.documents("dead_letters")) == {"4711"}


anything = st.text(st.characters(exclude_categories=()), max_size=30)
ids = st.sampled_from(["4711", "a/b", ".", "..", "__a__", ""]) | anything
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=5,
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "orgId": ids | values,
        "runId": ids | values,
        "trigger": st.sampled_from(["cron", "manual"]) | values,
        "requestedBy": values,
        "customerIds": st.lists(ids, max_size=3) | values,
    },
)
data_of_any_kind = (
    st.none()
    | st.binary(max_size=40)
    | anything
    | messages.map(lambda message: json.dumps(message).encode())
    | messages.map(lambda message: json.dumps(message, ensure_ascii=False).encode(errors="replace"))
    | st.integers(0, 2_000).map(lambda depth: b"[" * depth)
)


@settings(
    max_examples=1_000 if os.environ.get("LONG") else 100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(b'{"orgId": "\\ud800", "runId": "r", "trigger": "cron"}', "\ud800", {"\ud800": "\ud800"})
@example(b'{"orgId": "a\\u0000", "runId": "\\n", "trigger": "cron"}', "\x00", {})
@given(data_of_any_kind, ids, st.dictionaries(anything | st.just(SUBSCRIPTION), values, max_size=3))
def test_every_message_is_recorded_whatever_it_is(
    store: StoredDocuments,
    give_up: Receive,
    consume: Receive,
    data: bytes | str | None,
    message_id: str,
    attributes: dict[str, Any],
) -> None:
    given_up = event(data, message_id)
    given_up.data["message"]["attributes"] |= attributes

    consume(given_up)
    give_up(given_up)

    assert store.document(f"dead_letters/{delivery(given_up).id}")["errorCode"]
