"""What failed for good: dead letters are recorded and their runs ended; dead letters are sent again
and quarantined records fetched again on an operator's command.

A quarantined record is not parsed again from its stored text, which may be outdated: an ordinary
run fetches it, an order or a customer by its id, any other by a sync of its stream. If it is valid
now, the run stores it and removes it from quarantine.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from shared.bus.events import REPLAY_OF, Delivery
from shared.bus.messages import STREAMS, Message, PosSync
from shared.clock import Clock
from shared.domain.orders import external_id_of
from shared.errors import InvalidMessage
from shared.pos.port import PosEvent
from shared.services.alerts import Alerts
from shared.services.runs.failure import give_up
from shared.services.sync.run_end import GIVEN_UP
from shared.services.webhooks import request
from shared.store import dead_letters, paths, quarantine, runs, webhook_events
from shared.store import lease as leases
from shared.store.database import Conflict, Database, batched
from shared.store.dead_letters import DeadLetter
from shared.store.quarantine import Quarantined

SOURCE_ATTRIBUTE = "CloudPubSubDeadLetterSourceSubscription"
ATTEMPTS_ATTRIBUTE = "CloudPubSubDeadLetterSourceDeliveryCount"

MARK = "-replay-"
REQUESTED_BY = "replay"
IDS_PER_EVENT = 100
SEARCHED = 10_000
"""Records that are read to find the one of a given id."""

LONGEST_PART = 64
"""Characters of a run's and of a letter's id in the id of the run that a replay requests."""
NO_TOPIC = "came from no topic that a message can be published to"
TRUNCATED = "only an excerpt of the message is kept: its sender has to send it again"

PublishText = Callable[[str, str, Mapping[str, str]], None]
"""Publishes a text with attributes to the topic of that short name, and waits until Pub/Sub has
accepted it."""
TopicOf = Callable[[str], str | None]
"""The short name of a topic by its own or a subscription's name; None where it is unknown."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RecordDeadLetter:
    """Records a message that no delivery could process, and ends its run."""

    database: Database
    alerts: Alerts
    clock: Clock

    def __call__(self, received: Delivery) -> None:
        """Record the message; its run is ended if it is unfinished and without a worker."""
        subscription = received.attributes.get(SOURCE_ATTRIBUTE, "unknown")
        attempts = received.attributes.get(ATTEMPTS_ATTRIBUTE, "all")
        dead_letters.record(
            self.database,
            received.id,
            topic=subscription,
            data=received.data,
            code="delivery_attempts_exhausted",
            reason=f"not processed after {attempts} deliveries",
            now=self.clock(),
        )
        log.error("dead_letter_recorded", subscription=subscription)
        try:
            message = PosSync.parse(received.json())
        except InvalidMessage:
            return
        self._give_up(message.org_id, message.run_id)

    def _give_up(self, org_id: str, run_id: str) -> None:
        run = runs.find_unfinished(self.database, org_id, run_id)
        if run is None:
            return
        path = paths.lease(org_id)
        lease = leases.look(self.database, [path])[path]
        if lease.run_id == run_id and lease.holder is not None and lease.alive(self.clock()):
            # A copy of the message was processed. Its worker ends the run, or the next run does.
            log.info("run_is_at_work")
            return
        # Alerted first: once the run has ended, another delivery of this message does not alert.
        self.alerts.raise_(
            org_id,
            GIVEN_UP,
            "A sync was given up",
            f"Run {run_id} failed at every delivery of its message, which is among the dead"
            " letters. The next scheduled run is made all the same.",
        )
        try:
            give_up(self.database, run, self.clock())
        except Conflict:
            log.info("run_moves_after_all")


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
            self.publish(topic, _again(letter), {REPLAY_OF: letter.id})
            self.database.commit([dead_letters.replayed(letter, self.clock())])
            sent += 1
        return ReplayResult(sent, left)

    def _letters(self, org_id: str | None, message_id: str | None) -> Iterable[DeadLetter]:
        if message_id is None:
            return dead_letters.waiting(self.database, org_id)
        found = dead_letters.read(self.database, message_id)
        return [found] if found else []


def _again(letter: DeadLetter) -> str:
    """The letter's text. A request for a run names a new run, since the old one has ended, and is
    a manual one, so that it is done for a paused org too."""
    try:
        data = json.loads(letter.text)
        if not isinstance(data, dict) or not isinstance(data.get("runId"), str):
            return letter.text
        before = data["runId"].split(MARK)[0]
        data["runId"] = before[:LONGEST_PART] + MARK + letter.id[:LONGEST_PART]
        if "trigger" in data:
            data["trigger"] = "manual"
        return json.dumps(data)
    except (ValueError, RecursionError):
        return letter.text


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
        orders = [external_id_of(r.key) for r in records if r.stream == "orders" and r.named]
        customers = [r.key for r in records if r.stream == "customers" and r.named]
        events = [
            *(PosEvent(REQUESTED_BY, order_ids=ids) for ids in _parts(orders)),
            *(PosEvent(REQUESTED_BY, customer_ids=ids) for ids in _parts(customers)),
        ]
        for event in events:
            key = _new_id()
            stored = webhook_events.create(org_id, key, REQUESTED_BY, event, b"", self.clock())
            self.database.commit([stored])
            yield request(org_id, key, event)


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
