"""Retrying what failed: dead letters are sent again, quarantined records fetched again.

A record in quarantine is not parsed again from its stored text, which is as old as the failure: the
POS may have changed the record since, and a product is the sum of several rows. The record is
fetched by an ordinary run under the org's lease: an order or a customer by its id, else by a sync
of the stream. If it is valid now, the run stores it and removes it from quarantine.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from shared.bus.messages import STREAMS, Message, PosSync
from shared.clock import Clock
from shared.domain.orders import external_id_of
from shared.pos.port import PosEvent
from shared.services.webhooks import request
from shared.store import dead_letters, quarantine, webhook_events
from shared.store.database import Database, batched
from shared.store.dead_letters import DeadLetter
from shared.store.quarantine import Quarantined

MARK = "-replay-"
REQUESTED_BY = "replay"
IDS_PER_EVENT = 100
SEARCHED = 10_000
"""Records that are read to find the one of a given id."""

PublishText = Callable[[str, Sequence[str]], None]
"""Publishes texts to the topic of that short name, and waits until Pub/Sub has accepted them."""
TopicOf = Callable[[str], str | None]
"""The short name of a topic by its own or a subscription's name; None where it is unknown."""


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """How many were sent again, and the ids of those that cannot be."""

    sent: int
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayDeadLetters:
    """Sends dead letters to their topics again."""

    database: Database
    publish: PublishText
    topic_of: TopicOf
    clock: Clock

    def __call__(self, org_id: str | None, message_id: str | None, limit: int) -> ReplayResult:
        """Send those never replayed, of all orgs or of one; or the one of that id, replayed or
        not. One that is sent twice requests the same run twice, which is one run."""
        sent, left = 0, []
        for letter in self._letters(org_id, message_id, limit):
            topic = self.topic_of(letter.source)
            if topic is None:
                left.append(letter.id)
                continue
            self.publish(topic, [_again(letter)])
            self.database.commit([dead_letters.replayed(letter, self.clock())])
            sent += 1
        return ReplayResult(sent, tuple(left))

    def _letters(
        self, org_id: str | None, message_id: str | None, limit: int
    ) -> Sequence[DeadLetter]:
        if message_id is None:
            return dead_letters.waiting(self.database, org_id, limit)
        letter = dead_letters.read(self.database, message_id)
        return [letter] if letter else []


def _again(letter: DeadLetter) -> str:
    """The letter's text. A request for a run is changed into one for a new run, since the old one
    has ended, and into a manual one, so that a paused org is tried."""
    try:
        data = json.loads(letter.text)
    except ValueError:
        return letter.text
    if isinstance(data, dict) and isinstance(data.get("runId"), str):
        data["runId"] = data["runId"].split(MARK)[0] + MARK + letter.id
        if "trigger" in data:
            data["trigger"] = "manual"
    return json.dumps(data)


@dataclass(frozen=True, slots=True)
class ReplayQuarantine:
    """Has the records in quarantine fetched again."""

    database: Database
    publish: Callable[[Iterable[Message]], object]
    clock: Clock

    def __call__(self, org_id: str | None, record_id: str | None, limit: int) -> ReplayResult:
        """Request those of all orgs or of one; or the one whose document has that id."""
        by_org: dict[str, list[Quarantined]] = defaultdict(list)
        looked_at = limit if record_id is None else SEARCHED
        for record in quarantine.read_all(self.database, org_id, looked_at):
            if record_id in (None, record.id):
                by_org[record.org_id].append(record)
        for org, records in by_org.items():
            self.publish([*self._named(org, records), *_synced(org, records)])
        return ReplayResult(sum(map(len, by_org.values())))

    def _named(self, org_id: str, records: Sequence[Quarantined]) -> Iterable[PosSync]:
        """Requests for single records. Each is stored as a webhook event, so that a run that has
        the org's lease now leads to another one for it."""
        orders = [external_id_of(r.key) for r in records if r.stream == "orders" and r.named]
        customers = [r.key for r in records if r.stream == "customers" and r.named]
        for some in batched(orders, IDS_PER_EVENT):
            yield self._stored(org_id, PosEvent(REQUESTED_BY, order_ids=tuple(some)))
        for some in batched(customers, IDS_PER_EVENT):
            yield self._stored(org_id, PosEvent(REQUESTED_BY, customer_ids=tuple(some)))

    def _stored(self, org_id: str, event: PosEvent) -> PosSync:
        key = f"{REQUESTED_BY}-{uuid.uuid4().hex}"
        stored = webhook_events.create(org_id, key, REQUESTED_BY, event, b"", self.clock())
        self.database.commit([stored])
        return request(org_id, key, event)


def _synced(org_id: str, records: Sequence[Quarantined]) -> Iterable[PosSync]:
    """A sync of the streams whose records cannot be requested by id. It is a full one only for an
    order without an id, which may be an old one."""
    nameless = {r.stream for r in records if not (r.named and r.stream in ("orders", "customers"))}
    streams = tuple(stream for stream in STREAMS if stream in nameless)
    if streams:
        yield PosSync(
            org_id=org_id,
            run_id=f"{REQUESTED_BY}-{uuid.uuid4().hex}",
            trigger="manual",
            full="orders" in streams,
            streams=streams,
            requested_by=REQUESTED_BY,
        )
