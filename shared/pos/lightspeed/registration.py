"""The webhooks that are registered at a Lightspeed account, through its API
(https://x-series-api.lightspeedhq.com/docs/webhooks). A token needs the scope ``webhooks``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from shared.outbound.failures import StatusRefused
from shared.pos.lightspeed.api import LightspeedApi
from shared.pos.lightspeed.webhooks import ADDRESS_PATH, KINDS

WEBHOOKS = "/webhooks"
WHAT = "webhooks, which takes the scope webhooks"
_TAKEN, _GONE = 409, 404


@dataclass(frozen=True, slots=True)
class RegisteredWebhook:
    """A registration: events of a ``kind`` are sent to ``url``, which may hold a secret."""

    id: str
    kind: str
    url: str = field(repr=False)
    active: bool = True

    def is_of(self, org_id: str) -> bool:
        """Whether it sends to Sync Sam, for that org."""
        return f"{ADDRESS_PATH}/{org_id}/" in f"{urlsplit(self.url).path}/"


@dataclass(frozen=True, slots=True)
class Registered:
    """What a registration has changed: the kinds of the new webhooks, of those that were there, and
    of those at former addresses, which are taken out."""

    added: Sequence[str]
    kept: Sequence[str]
    removed: Sequence[str]


@dataclass(frozen=True, slots=True)
class WebhookRegistry:
    """The registrations of one account. Every method raises CredentialsRejected where the token
    lacks the scope, and ProviderError."""

    api: LightspeedApi

    def all(self) -> list[RegisteredWebhook]:
        """Those of every app and person, of which ours are some."""
        return self.api.make("GET", WEBHOOKS, WHAT, _rows).data

    def register(self, org_id: str, address: str) -> Registered:
        """Have all events that are of use sent to an address, and none of the org's to another of
        ours. A second time it changes nothing."""
        ours = [each for each in self.all() if each.is_of(org_id)]
        wanted = {each.kind for each in ours if each.url == address and each.active}
        added = [kind for kind in KINDS if kind not in wanted]
        stale = [each for each in ours if each.url != address or not each.active]
        for each in stale:  # an inactive one keeps its successor from being registered
            if each.url == address:
                self._remove(each)
        for kind in added:
            self._add(kind, address)
        for each in stale:
            if each.url != address:
                self._remove(each)
        return Registered(added, sorted(wanted), [each.kind for each in stale])

    def remove(self, org_id: str) -> list[str]:
        """Take out those that send to Sync Sam for an org; their kinds."""
        ours = [each for each in self.all() if each.is_of(org_id)]
        for each in ours:
            self._remove(each)
        return [each.kind for each in ours]

    def _add(self, kind: str, address: str) -> None:
        body = {"url": address, "active": True, "type": kind}
        try:
            self.api.make("POST", WEBHOOKS, WHAT, _anything, body)
        except StatusRefused as error:
            if error.status != _TAKEN:
                raise

    def _remove(self, webhook: RegisteredWebhook) -> None:
        try:
            self.api.make("DELETE", f"{WEBHOOKS}/{quote(webhook.id, safe='')}", WHAT, _anything)
        except StatusRefused as error:
            if error.status != _GONE:
                raise


def _anything(reply: object) -> None:
    """What the answer says is of no use."""


def _rows(reply: object) -> list[RegisteredWebhook]:
    """The registrations in a list. Raises ValueError for another shape."""
    match reply:
        case {"data": list(found)} | list(found):
            return list(_webhooks(found))
    raise ValueError("not a list of webhooks")


def _webhooks(rows: Sequence[object]) -> Iterator[RegisteredWebhook]:
    for row in rows:
        match row:
            case {"id": str(webhook_id), "type": str(kind), "url": str(url), **more}:
                active = more.get("active") is not False
                yield RegisteredWebhook(webhook_id, kind, url, active)
