"""Webhooks: who registered for what, and their delivery with retries over two days."""

import base64
import hashlib
import hmac
from collections import deque
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import requests

from deploy.local.simulator.lightspeed.agenda import Agenda
from deploy.local.simulator.lightspeed.spec import RetailerSpec
from deploy.local.simulator.table import Record, encode

TYPES = (
    *("sale.update", "product.update", "customer.update", "inventory.update"),
    *("register_closure.create", "consignment.send", "consignment.receive"),
)
TYPE_OF_KIND = {
    "sales": "sale.update",
    "products": "product.update",
    "customers": "customer.update",
    "inventory": "inventory.update",
}
ANSWER_SECONDS = 5.0
RETRIES = 20
RETRY_DAYS = 2.0
_GROWTH = 1.5
_KEPT = 10_000


class AlreadyRegistered(Exception):
    """There is a webhook of the same type and URL."""


class NotValid(Exception):
    """No such type, or no web address."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A registration. ``signed``: it was made by an OAuth application, with whose secret its
    deliveries are signed."""

    id: str
    type: str
    url: str
    active: bool
    signed: bool

    def row(self, retailer_id: str) -> Record:
        """As the API tells it."""
        return {
            "id": self.id,
            "retailer_id": retailer_id,
            "type": self.type,
            "url": self.url,
            "active": self.active,
        }


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """An attempt; ``status`` is None where nobody answered in time."""

    webhook_id: str
    type: str
    url: str
    record_id: str
    attempt: int
    status: int | None
    at: str


class Webhooks:
    """A retailer's webhooks. Thread-safe."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._lock = Lock()
        self._registered: dict[str, Webhook] = {}
        self._deliveries: deque[DeliveryAttempt] = deque(maxlen=_KEPT)

    def all(self) -> list[Webhook]:
        """The registered ones."""
        with self._lock:
            return list(self._registered.values())

    def add(self, kind: object, url: object, *, active: bool, signed: bool) -> Webhook:
        """Register one. Raises AlreadyRegistered or NotValid."""
        if kind not in TYPES or not str(url).startswith(("http://", "https://")):
            raise NotValid
        with self._lock:
            self._require_new(str(kind), str(url), "")
            made = Webhook(str(uuid4()), str(kind), str(url), active, signed)
            self._registered[made.id] = made
            return made

    def change(self, webhook_id: str, fields: dict[str, Any]) -> Webhook:
        """Change type, URL or activity. Raises KeyError without one, AlreadyRegistered."""
        with self._lock:
            changed = replace(self._registered[webhook_id], **fields)
            self._require_new(changed.type, changed.url, webhook_id)
            self._registered[webhook_id] = changed
            return changed

    def remove(self, webhook_id: str) -> None:
        """Take one out. Raises KeyError without one."""
        with self._lock:
            del self._registered[webhook_id]

    def deliveries(self) -> list[dict[str, Any]]:
        """The attempts so far, oldest first."""
        with self._lock:
            return [asdict(each) for each in self._deliveries]

    def announce(self, spec: RetailerSpec, kind: str, record: Record) -> int:
        """Deliver a record of a kind to whoever registered for it; to how many."""
        wanted = TYPE_OF_KIND.get(kind)
        found = [each for each in self.all() if each.type == wanted and each.active]
        for each in found:
            self._deliver_later(0, spec, each, record, 1)
        return len(found)

    def _deliver_later(
        self, seconds: float, spec: RetailerSpec, webhook: Webhook, record: Record, attempt: int
    ) -> None:
        self._agenda.add(seconds, lambda: self._deliver(spec, webhook, record, attempt))

    def _deliver(self, spec: RetailerSpec, webhook: Webhook, record: Record, attempt: int) -> None:
        body = _body(spec, webhook, record)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Lightspeed"}
        if webhook.signed:
            headers["X-Signature"] = signature(spec, body)
        status = None
        try:
            reply = requests.post(webhook.url, data=body, headers=headers, timeout=ANSWER_SECONDS)
            status = reply.status_code
        except requests.RequestException:
            pass
        at = datetime.now(UTC).isoformat()
        record_id = str(record.get("id"))
        with self._lock:
            self._deliveries.append(
                DeliveryAttempt(
                    webhook.id, webhook.type, webhook.url, record_id, attempt, status, at
                )
            )
        taken = status is not None and status < 300
        if not taken and attempt <= RETRIES:
            gap = gap_seconds(attempt, spec.day_seconds)
            self._deliver_later(gap, spec, webhook, record, attempt + 1)

    def _require_new(self, kind: str, url: str, own_id: str) -> None:
        if any(
            (each.type, each.url) == (kind, url) and each.id != own_id
            for each in self._registered.values()
        ):
            raise AlreadyRegistered


def gap_seconds(attempt: int, day_seconds: float) -> float:
    """Until the next attempt after this one (from 1): all gaps together are RETRY_DAYS."""
    first = RETRY_DAYS * day_seconds * (_GROWTH - 1) / (_GROWTH**RETRIES - 1)
    return first * _GROWTH ** (attempt - 1)


def signature(spec: RetailerSpec, body: bytes) -> str:
    """The value of ``X-Signature`` for the raw body."""
    digest = hmac.new(spec.client_secret.encode(), body, hashlib.sha256)
    text = (
        digest.hexdigest()
        if spec.signature == "hex"
        else base64.b64encode(digest.digest()).decode()
    )
    return f"signature={text},algorithm=HMAC-SHA256"


def _body(spec: RetailerSpec, webhook: Webhook, record: Record) -> bytes:
    fields = {
        "payload": encode(record).decode(),
        "type": webhook.type,
        "domain_prefix": spec.prefix,
        "retailer_id": spec.retailer_id,
        "environment": "prod",
    }
    return urlencode(fields).encode()
