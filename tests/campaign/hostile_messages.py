"""Messages that nobody should send, on the topics of the functions."""

import base64
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from random import Random

from tests.campaign.subscriptions import HOSTILE

TOPICS = ("pos-sync", "spending", "cron-tick")
UNKNOWN_ORG = "org_nobody"
DEPTH = 100_000


@dataclass(frozen=True, slots=True)
class HostileMessage:
    """A message sent with the ``tick``-th tick (0-based)."""

    number: int
    tick: int
    topic: str
    what: str
    data: bytes

    @property
    def name(self) -> str:
        return f"message-{self.number}"

    @property
    def encoded(self) -> dict[str, object]:
        """It in the form of Pub/Sub's REST interface."""
        data = base64.b64encode(self.data).decode()
        return {"data": data, "attributes": {HOSTILE: self.name}}

    def __str__(self) -> str:
        shown = self.data[:160].decode(errors="replace")
        return f"{self.name}, with tick {self.tick + 1} on {self.topic}: {self.what}: {shown}"


def draw(dice: Random, org_ids: Collection[str], ticks: int) -> tuple[HostileMessage, ...]:
    """Some messages."""
    found = []
    for number in range(dice.choice((0, 0, 1, 3))):
        topic, tick = dice.choice(TOPICS), dice.randrange(ticks)
        what = dice.choice(sorted(_MAKERS))
        if what == "unknown org" and topic == "cron-tick":
            topic = "spending"  # a tick for an org without a location rightly does nothing
        data = _MAKERS[what](topic, dice.choice(sorted(org_ids)), f"message-{number}")
        found.append(HostileMessage(number, tick, topic, what, data))
    return tuple(found)


def problems(
    messages: Collection[HostileMessage], dead_letters: Collection[str], tenants: Collection[str]
) -> Iterator[str]:
    """What of them is not recorded, given the texts of all dead letters; and which orgs were made
    of nothing, given the ids of all that have documents."""
    for message in messages:
        if not any(is_of(message.name, text) for text in dead_letters):
            yield f"{message} is not among the dead letters"
    for org_id in tenants:
        if UNKNOWN_ORG in org_id or not org_id.isprintable():
            yield f"tenants/{org_id!r} is of an org that does not exist"


def is_of(name: str, text: str) -> bool:
    """Whether the text of a dead letter is of the hostile message of that name."""
    return f'"{name}"' in text[:1000]


def _good(topic: str, org_id: str, name: str) -> dict[str, object]:
    """A message as functions send it, but for its name."""
    fields: dict[str, dict[str, object]] = {
        "pos-sync": {"orgId": org_id, "runId": name, "trigger": "manual"},
        "spending": {"orgId": org_id, "customerIds": ["100001"]},
        "cron-tick": {"job": "pos-sync", "orgId": org_id},
    }
    return {"campaign": name} | fields[topic]


def _with_org(topic: str, org_id: str, name: str) -> bytes:
    return json.dumps(_good(topic, org_id, name)).encode()


def _nested(topic: str, org_id: str, name: str) -> bytes:
    text = json.dumps(_good(topic, org_id, name))[:-1]
    return f'{text}, "deep": {"[" * DEPTH}{"]" * DEPTH}}}'.encode()


def _many_ids(topic: str, org_id: str, name: str) -> bytes:
    bad = {"customerIds": ["__a__", "a/b", "\ud800", ""], "orderIds": ["__b__"], "job": 7}
    return json.dumps(_good(topic, org_id, name) | bad).encode()


_MAKERS: dict[str, Callable[[str, str, str], bytes]] = {
    "reserved id": lambda topic, _, name: _with_org(topic, "__org__", name),
    "lone surrogate": lambda topic, _, name: _with_org(topic, "org_\ud800", name),
    "slash": lambda topic, _, name: _with_org(topic, "org_a/b", name),
    "unknown org": lambda topic, _, name: _with_org(topic, f"{UNKNOWN_ORG}_{name}", name),
    "bad ids": _many_ids,
    "deep nesting": _nested,
    "1 MB": lambda topic, _, name: _with_org(topic, "x" * 1_000_000, name),
    "no text": lambda topic, _, name: b'{"campaign": "%b", \xff\xfe\x00' % name.encode(),
    "no JSON": lambda topic, _, name: f'"{name}" is no JSON'.encode(),
}
