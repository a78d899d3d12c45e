"""The functions as their bootstrap modules wire them, in this process and on the emulator."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest
from cloudevents.http import CloudEvent
from pydantic import SecretStr

from deploy.manifest import Manifest
from shared.bootstrap import admin_api, alerts, clients, http, secrets
from shared.bootstrap.http import HttpFunction
from shared.bus.later import LaterPublisher
from shared.bus.messages import Message
from shared.bus.notifier import Notifier
from shared.bus.publisher import Publisher
from shared.domain.org_secrets import SecretPlace
from shared.errors import Unauthenticated
from shared.outbound.credentials import SecretResolver
from shared.store.database import Database
from shared.store.locations import OrgDirectory
from shared.web.auth import Staff
from shared.web.routing import App
from tests.sealing import memory_sealer

CRON_SECRET = "the-cron-secret-of-these-tests-is-long"
ALLEAVES_WEBHOOK_SECRET = "the webhook secret of the environment"


class ClaimSessions:
    """Takes a token for the JSON text of the claims that it stands for."""

    def of_cookie(self, cookie: str) -> Mapping[str, Any]:
        raise Unauthenticated("no cookies here")

    def of_token(self, token: str) -> Mapping[str, Any]:
        try:
            claims = json.loads(token)
        except ValueError:
            raise Unauthenticated("not a token") from None
        return {"uid": "somebody", **claims}


class InProcess:
    """Makes the functions. ``published`` are their messages with their topics, those for later too,
    ``resent`` the texts that were published as they stand, ``secrets`` are the texts of secrets by
    name, ``secrets_read`` the resources asked for, ``sealer`` seals those in settings, ``alerted``
    the addresses and texts of alerts."""

    def __init__(self, project: str, database: Database, patch: pytest.MonkeyPatch) -> None:
        self.published: list[tuple[str, Message]] = []
        self.resent: list[tuple[str, str]] = []
        self.secrets: dict[str, str] = {}
        self.secrets_read: list[str] = []
        self.sealer = memory_sealer()
        self.alerted: list[tuple[str, str]] = []
        self._project, self._database, self._patch = project, database, patch
        for module in (admin_api, alerts):
            patch.setattr(module, "Notifier", lambda *_, **__: _Alerted(self.alerted))
        patch.setattr(secrets, "read_secret", self._read_secret)
        patch.setattr(secrets, "Sealer", lambda key: self.sealer)

    def consumer(self, module: ModuleType) -> Callable[[CloudEvent], None]:
        """What handles the messages of a function, given its bootstrap module."""
        self._prepare(module)
        made: Callable[[CloudEvent], None] = module.consumer.__wrapped__()
        return made

    def app(self, module: ModuleType) -> App:
        """The routes of an HTTP function, given its bootstrap module. A token is the JSON text of
        the claims that it stands for."""
        self._prepare(module)
        wired: HttpFunction[Any] = module.FUNCTION
        return HttpFunction(wired.name, wired.model, wired.routes).app()

    def resolver(self) -> SecretResolver:
        """Of the secrets, which may be text."""
        return SecretResolver(self._read_secret, "demo", plain_text=True, sealer=self.sealer)

    def _prepare(self, module: ModuleType) -> None:
        manifest = Manifest.read().for_local_cloud()
        function = manifest.functions[module.__name__.rpartition(".")[2]]
        environment = {
            **manifest.environment(function, self._project),
            **dict.fromkeys(function.secrets, ""),
            "CRON_SECRET": CRON_SECRET,
            "ALLEAVES_WEBHOOK_SECRET": ALLEAVES_WEBHOOK_SECRET,
            "LATER_QUEUE": "later",
            "PUBSUB_REST_URL": "http://127.0.0.1:1",
        }
        for name, value in environment.items():
            self._patch.setenv(name, value)
        stand_ins: dict[str, Callable[..., Any]] = {
            "database": lambda settings: self._database,
            "publisher": lambda topic: _Published(topic, self.published, self.resent),
            "later": lambda settings, topic: _PublishedLater(topic, self.published),
            "staff_rule": lambda project, store: Staff(ClaimSessions(), OrgDirectory(store)),
        }
        for name, stand_in in stand_ins.items():
            if hasattr(module, name) and module not in (clients, http):
                self._patch.setattr(module, name, stand_in)

    def opened(self, sealed: str, org_id: str, field: str, location_id: str = "") -> str:
        """What stands sealed in an org's settings."""
        return self.sealer.open(SecretStr(sealed), SecretPlace(org_id, field, location_id))

    def _read_secret(self, resource: str) -> str:
        self.secrets_read.append(resource)
        return self.secrets[resource.split("/")[3]]


class _Published(Publisher):
    def __init__(
        self, topic: str, published: list[tuple[str, Message]], resent: list[tuple[str, str]]
    ) -> None:
        self._topic, self._published = topic.rpartition("/")[2], published
        self._resent = resent

    def publish(self, messages: Iterable[Message]) -> int:
        given = list(messages)
        self._published += [(self._topic, message) for message in given]
        return len(given)

    def publish_text(
        self, texts: Iterable[str], attributes: Mapping[str, str] | None = None
    ) -> int:
        given = list(texts)
        self._resent += [(self._topic, text) for text in given]
        return len(given)


class _PublishedLater(LaterPublisher):
    def __init__(self, topic: str, published: list[tuple[str, Message]]) -> None:
        self._topic, self._published = topic.rpartition("/")[2], published

    def publish(self, message: Message, *, at: datetime, once: str) -> bool:
        self._published.append((self._topic, message))
        return True

    def publish_all(self, messages: Iterable[Message], *, at: datetime, once: str) -> int:
        given = list(messages)
        self._published += [(self._topic, message) for message in given]
        return len(given)


class _Alerted(Notifier):
    def __init__(self, alerted: list[tuple[str, str]]) -> None:
        self._alerted = alerted

    def send(self, urls: Sequence[SecretStr], title: str, body: str) -> list[bool]:
        self._alerted += [(url.get_secret_value(), f"{title}\n{body}") for url in urls]
        return [True] * len(urls)


def pubsub_event(message_id: str, text: str) -> CloudEvent:
    """The event by which Pub/Sub delivers a message."""
    attributes = {
        "type": "google.cloud.pubsub.topic.v1.messagePublished",
        "source": "//pubsub.googleapis.com/",
    }
    data = base64.b64encode(text.encode()).decode()
    return CloudEvent(attributes, {"message": {"data": data, "messageId": message_id}})
