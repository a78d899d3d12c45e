"""What failed for good: dead letters are recorded and their runs ended; dead letters are sent again
and quarantined records fetched again on an operator's command.

A message that failed at every delivery may only have come at the wrong time: an outage, or a full
queue. It is sent again once by itself, after a pause. If it comes back, it stays for a person.

A quarantined record is not parsed again from its stored text, which may be outdated: an ordinary
run fetches it, an order or a customer by its id, any other by a sync of its stream. If it is valid
now, the run stores it and removes it from quarantine.
"""

import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import structlog

from shared.batches import batched
from shared.bus.events import REPLAY_OF, Delivery
from shared.bus.later import LATER_BYTES, LaterPublisher, later_bytes
from shared.bus.messages import STREAMS, Message, PosSync
from shared.clock import Clock
from shared.domain.orders import external_id_of
from shared.domain.providers import PROVIDERS
from shared.errors import InvalidMessage
from shared.pos.port import PosEvent
from shared.services.alerts import Alerts
from shared.services.runs.failure import give_up
from shared.services.sync.run_end import GIVEN_UP
from shared.services.webhooks import request
from shared.store import dead_letters, paths, quarantine, runs, webhook_events
from shared.store import lease as leases
from shared.store.database import Conflict, Database
from shared.store.dead_letters import DeadLetter
from shared.store.quarantine import Quarantined

SOURCE_ATTRIBUTE = "CloudPubSubDeadLetterSourceSubscription"
ATTEMPTS_ATTRIBUTE = "CloudPubSubDeadLetterSourceDeliveryCount"

EXHAUSTED = "delivery_attempts_exhausted"
MARK = "-replay-"
REQUESTED_BY = "replay"
IDS_PER_EVENT = 100
SEARCHED = 10_000
"""Records that are read to find the one of a given id."""

LONGEST_PART = 64
"""Characters of a run's and of a letter's id in the id of the run that a replay requests."""
NO_TOPIC = "came from no topic that a message can be published to"
TRUNCATED = "only an excerpt of the message is kept: its sender has to send it again"

PAUSE_FACTOR = 4
"""By so much the pause before a letter is sent again by itself is longer than that of the org's
letter before."""
PAUSES = 3
"""How many different pauses there are: from then on it is the same."""
PAUSES_COUNTED_FOR = timedelta(days=1)

PublishText = Callable[[str, str, Mapping[str, str]], None]
"""Publishes a text with attributes to the topic of that full name, and waits until Pub/Sub has
accepted it."""
TopicOf = Callable[[str], str | None]
"""The full name of a topic by its own short or a subscription's name; None where it is unknown."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


def topic_by_subscription(subscription: str, topics: Mapping[str, T]) -> T | None:
    """Of the topics by function that of the function whose subscription it is: the function's name
    is part of the subscription's. None where it is of none."""
    name = subscription.rpartition("/")[2]
    found = [function for function in topics if function.replace("_", "-") in name]
    return topics[max(found, key=len)] if found else None


def topic_of(source: str, topics: Mapping[str, str]) -> str | None:
    """Of the topics by function, by their full names, the one of that name, or that of the function
    whose subscription it is."""
    name = source.rpartition("/")[2]
    named = (topic for topic in topics.values() if topic.rpartition("/")[2] == name)
    return next(named, None) or topic_by_subscription(source, topics)


@dataclass(frozen=True, slots=True)
class ResendOnce:
    """Has a dead letter sent to its topic again by itself: after ``first_pause``, longer where
    others of the org have just been. ``topics`` by the name of the function that listens."""

    database: Database
    topics: Mapping[str, LaterPublisher]
    clock: Clock
    first_pause: timedelta

    def __call__(self, message_id: str) -> None:
        """Have the letter of that id sent again, unless it has been, is itself a replay, or cannot
        be sent as it was. Of its twins, letters of the same text, only the first is."""
        letter = dead_letters.read(self.database, message_id)
        if letter is None or letter.code != EXHAUSTED or letter.truncated or letter.replayed:
            return
        topic, text = topic_by_subscription(letter.source, self.topics), _again(letter)
        # The rest of a replayed run has no letter of its own, but the run's id.
        is_replay = letter.replay_of or MARK in (_run_id(letter) or "")
        if topic is None or is_replay or later_bytes(text) > LATER_BYTES:
            return
        now = self.clock()
        before = dead_letters.count_replayed(
            self.database, letter.org_id, now - PAUSES_COUNTED_FOR, PAUSES - 1
        )
        at = now + self.first_pause * PAUSE_FACTOR**before
        same = hashlib.blake2b(f"{letter.source}/{letter.text}".encode()).hexdigest()
        # Before it is marked: a crash in between sends it to the queue again, which knows its name.
        topic.publish_text(text, {REPLAY_OF: letter.id}, at=at, once=f"dead-letter/{same}")
        self.database.commit([dead_letters.replayed(letter, at)])
        log.info("dead_letter_is_sent_again", subscription=letter.source, at=at.isoformat())


@dataclass(frozen=True, slots=True)
class RecordDeadLetter:
    """Records a message that no delivery could process, and ends its run. ``resend`` None: none is
    sent again by itself."""

    database: Database
    alerts: Alerts
    clock: Clock
    resend: ResendOnce | None = None

    def __call__(self, received: Delivery) -> None:
        """Record the message; its run is ended if it is unfinished and without a worker. Raises
        what the queue raises where the message cannot be sent again."""
        subscription = received.attributes.get(SOURCE_ATTRIBUTE, "unknown")
        attempts = received.attributes.get(ATTEMPTS_ATTRIBUTE, "all")
        message = _sync_request(received)
        cause = runs.why_failed(self.database, message.org_id, message.run_id) if message else None
        reason = f"not processed after {attempts} deliveries"
        if cause:
            reason += f". The last time: {cause.message}"
        dead_letters.record(
            self.database,
            received.id,
            topic=subscription,
            data=received.data,
            code=EXHAUSTED,
            reason=reason,
            now=self.clock(),
            replay_of=received.attributes.get(REPLAY_OF),
            cause=cause,
        )
        log.error(
            "dead_letter_recorded",
            subscription=subscription,
            org_id=dead_letters.org_of(received.data),
            run_id=message.run_id if message else None,
            reason=reason,
            owner=cause.owner if cause else None,
        )
        if message is not None:
            self._end_run(message)
        if self.resend is not None:
            self.resend(received.id)

    def _end_run(self, message: PosSync) -> None:
        org_id, run_id = message.org_id, message.run_id
        run = runs.find_unfinished(self.database, org_id, run_id)
        if run is None:
            return
        path = paths.lease(org_id)
        lease = leases.look(self.database, [path])[path]
        if lease.run_id == run_id and lease.holder is not None and lease.alive(self.clock()):
            # A copy of the message was processed. Its worker ends the run, or the next run does.
            log.info("run_is_at_work")
            return
        why = f" The last time: {run.run.error.message}" if run.run.error else ""
        # Alerted first: once the run has ended, another delivery of this message does not alert.
        self.alerts.raise_(
            org_id,
            GIVEN_UP,
            "A sync was given up",
            f"Run {run_id} failed at every delivery of its message, which is among the dead"
            f" letters.{why} The next scheduled run is made all the same.",
        )
        try:
            give_up(self.database, run, self.clock())
        except Conflict:
            log.info("run_moves_after_all")


def _sync_request(received: Delivery) -> PosSync | None:
    try:
        return PosSync.parse(received.json())
    except InvalidMessage:
        return None


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """How many were sent again; the ids of those that cannot be, and why."""

    sent: int
    left: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReplayDeadLetters:
    """Sends dead letters to their topics again."""

    database: Database
    publish: PublishText
    topic_of: TopicOf
    clock: Clock

    def __call__(self, org_id: str | None, message_id: str | None, limit: int) -> ReplayResult:
        """Send those never replayed, of all orgs or of one; or the one of that id, replayed or
        not. ``limit`` is how many are sent: those that cannot be do not count. A letter that is
        sent twice requests the same run twice, which is done once."""
        sent, left = 0, {}
        for letter in self._letters(org_id, message_id):
            if sent == limit:
                break
            topic = self.topic_of(letter.source)
            if letter.truncated or topic is None:
                left[letter.id] = TRUNCATED if letter.truncated else NO_TOPIC
                continue
            self.publish(topic, _again(letter, by_hand=True), {REPLAY_OF: letter.id})
            self.database.commit([dead_letters.replayed(letter, self.clock())])
            sent += 1
        return ReplayResult(sent, left)

    def _letters(self, org_id: str | None, message_id: str | None) -> Iterable[DeadLetter]:
        if message_id is None:
            return dead_letters.waiting(self.database, org_id)
        found = dead_letters.read(self.database, message_id)
        return [found] if found else []


def _again(letter: DeadLetter, *, by_hand: bool = False) -> str:
    """The letter's text. A request for a run names a new run, since the old one has ended, as has
    that of a replay that came back; by hand it is a manual one, so that it is done for a paused org
    too."""
    run_id = _run_id(letter)
    if run_id is None:
        return letter.text
    data = json.loads(letter.text)
    number = f"-{letter.returns}" if letter.returns else ""
    data["runId"] = (
        f"{run_id.split(MARK)[0][:LONGEST_PART]}{MARK}{letter.id[:LONGEST_PART]}{number}"
    )
    if by_hand and "trigger" in data:
        data["trigger"] = "manual"
    try:
        return json.dumps(data)
    except RecursionError:
        return letter.text


def _run_id(letter: DeadLetter) -> str | None:
    """The run that the letter asks for, if any."""
    try:
        data = json.loads(letter.text)
    except (ValueError, RecursionError):
        return None
    run_id = data.get("runId") if isinstance(data, dict) else None
    return run_id if isinstance(run_id, str) else None


@dataclass(frozen=True, slots=True)
class ReplayQuarantine:
    """Has the records in quarantine fetched again."""

    database: Database
    publish: Callable[[Iterable[Message]], object]
    clock: Clock

    def __call__(self, org_id: str | None, record_id: str | None, limit: int) -> ReplayResult:
        """Request those of all orgs or of one; or the one whose document has that id."""
        by_org: dict[str, list[Quarantined]] = defaultdict(list)
        left: dict[str, str] = {}
        looked_at = limit if record_id is None else SEARCHED
        for record in quarantine.read_all(self.database, org_id, looked_at):
            if record_id not in (None, record.id):
                continue
            if record.stream in STREAMS:
                by_org[record.org_id].append(record)
            else:
                left[record.id] = "it is no record of the POS: a full sync computes it again"
        for org, records in by_org.items():
            self.publish([*self._named(org, records), *_synced(org, records)])
        return ReplayResult(sum(map(len, by_org.values())), left)

    def _named(self, org_id: str, records: Sequence[Quarantined]) -> Iterable[PosSync]:
        """Requests for single records. Each is stored as a webhook event, so that a run that has
        the org's lease now leads to another one for it."""
        for provider in PROVIDERS:
            own = [r for r in records if r.named and r.provider == provider]
            orders = [external_id_of(r.key) for r in own if r.stream == "orders"]
            customers = [r.key for r in own if r.stream == "customers"]
            events = [
                *(PosEvent(REQUESTED_BY, order_ids=ids) for ids in _parts(orders)),
                *(PosEvent(REQUESTED_BY, customer_ids=ids) for ids in _parts(customers)),
            ]
            for event in events:
                key = _new_id()
                stored = webhook_events.create(org_id, key, provider, event, b"", self.clock())
                self.database.commit([stored])
                yield request(org_id, key, event, provider)


def _synced(org_id: str, records: Sequence[Quarantined]) -> Iterable[PosSync]:
    """A sync of the streams whose records cannot be requested by id. It is a full one only for an
    order without an id, which may be an old one."""
    nameless = {r.stream for r in records if not (r.named and r.stream in ("orders", "customers"))}
    streams = tuple(stream for stream in STREAMS if stream in nameless)
    if streams:
        yield PosSync(
            org_id=org_id,
            run_id=_new_id(),
            trigger="manual",
            full="orders" in streams,
            streams=streams,
            requested_by=REQUESTED_BY,
        )


def _parts(ids: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return map(tuple, batched(ids, IDS_PER_EVENT))


def _new_id() -> str:
    return f"{REQUESTED_BY}-{uuid.uuid4().hex}"
