"""Stand-ins for what a test must not reach or wait for: topics, queues, notifiers, clocks."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.firestore import Client
from pydantic import SecretStr

from shared.bus.later import LaterPublisher
from shared.bus.messages import Message
from shared.bus.notifier import Notifier
from shared.bus.publisher import Publisher
from shared.clock import utc_now
from shared.errors import Unauthenticated
from shared.store.database import Database
from shared.store.writes import Write

START = datetime(2026, 3, 18, 15, 0, tzinfo=UTC)


class RecordingPublisher(Publisher):
    """A topic that keeps what is published to it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def publish(self, messages: Iterable[Message]) -> int:
        given = list(messages)
        self.messages += given
        return len(given)

    def take(self) -> list[Message]:
        """The messages since the last call."""
        taken, self.messages = self.messages, []
        return taken


class FailingPublisher(Publisher):
    """A topic that takes nothing: raises ``error``."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def publish(self, messages: Iterable[Message]) -> int:
        raise self._error


class RecordingLaterPublisher(LaterPublisher):
    """A queue as Cloud Tasks has it: a name once used stays used, whether sent or not."""

    def __init__(self) -> None:
        self.scheduled: list[tuple[datetime, Message]] = []
        self.texts: list[tuple[datetime, str, Mapping[str, str]]] = []
        self._names: set[str] = set()

    def publish(self, message: Message, *, at: datetime, once: str) -> bool:
        if self._is_new(once):
            self.scheduled.append((at, message))
            return True
        return False

    def publish_text(
        self, text: str, attributes: Mapping[str, str], *, at: datetime, once: str
    ) -> bool:
        if self._is_new(once):
            self.texts.append((at, text, attributes))
            return True
        return False

    def publish_all(self, messages: Iterable[Message], *, at: datetime, once: str) -> int:
        given = list(messages)
        if self._is_new(f"{once}/{given}"):
            self.scheduled += [(at, message) for message in given]
            return 1
        return 0

    def _is_new(self, name: str) -> bool:
        known = name in self._names
        self._names.add(name)
        return not known

    def take(self, due_at: datetime | None = None) -> list[Message]:
        """Those that are due at a moment, or all."""
        taken = [each for each in self.scheduled if due_at is None or each[0] <= due_at]
        self.scheduled = [each for each in self.scheduled if each not in taken]
        return [message for _, message in taken]


class RecordingTopics:
    """All topics of a project, published to as text."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    def publish(self, topic: str, text: str, attributes: Mapping[str, str]) -> None:
        self.sent.append((topic, json.loads(text)))

    def take(self) -> list[tuple[str, Any]]:
        """Topic and message of each since the last call."""
        taken, self.sent = self.sent, []
        return taken


class RecordingNotifier(Notifier):
    """Keeps titles and texts of alerts, in the order they were sent."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.bodies: list[str] = []

    def send(self, urls: Sequence[SecretStr], title: str, body: str) -> list[bool]:
        self.titles.append(title)
        self.bodies.append(body)
        return [True] * len(urls)


class DyingNotifier(Notifier):
    """The process ends while it sends."""

    def send(self, urls: Sequence[SecretStr], title: str, body: str) -> list[bool]:
        raise SystemExit


class OffsetClock:
    """The real time, ``later`` on."""

    def __init__(self) -> None:
        self.later = timedelta(0)

    def now(self) -> datetime:
        return utc_now() + self.later

    def monotonic(self) -> float:
        return time.monotonic() + self.later.total_seconds()


class SteppingClock:
    """Time that passes only when the test says so."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._passed = timedelta(0)

    def now(self) -> datetime:
        return self._start + self._passed

    def monotonic(self) -> float:
        return 1000.0 + self._passed.total_seconds()

    def advance(self, by: timedelta | float) -> None:
        """Let time pass: a timedelta, or seconds."""
        self._passed += by if isinstance(by, timedelta) else timedelta(seconds=by)


class FastClock:
    """The real time from now on, ``speed`` times as fast."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began = time.monotonic()
        self._start = utc_now()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(time.monotonic() - self._began) * self._speed)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._speed)


class FakeSessions:
    """Accepts any token, as that of an administrator of the org that it spells."""

    def of_cookie(self, cookie: str) -> Mapping[str, Any]:
        raise Unauthenticated("no cookies here")

    def of_token(self, token: str) -> Mapping[str, Any]:
        return {"uid": "admin", "role": "dispensary_admin", "orgId": token}


class DatabaseFailingAtPath(Database):
    """Fails at the commit that writes the document ``path``."""

    def __init__(self, client: Client, path: str) -> None:
        super().__init__(client)
        self._path = path

    def metered(self) -> "DatabaseFailingAtPath":
        return DatabaseFailingAtPath(self._client, self._path)

    def commit(self, writes: Iterable[Write]) -> datetime | None:
        given = list(writes)
        if any(write.path == self._path for write in given):
            raise ConnectionError("the worker's instance is gone")
        return super().commit(given)
