"""The routes and services of ``functions/webhooks``."""

from collections.abc import Callable, Iterable
from typing import Any

from shared.bootstrap.clients import database, publisher
from shared.bootstrap.http import HttpFunction
from shared.bootstrap.settings import FunctionSettings
from shared.clock import utc_now
from shared.outbound.credentials import SecretResolver, read_secret
from shared.pos.alleaves.webhooks import read_event
from shared.pos.lightspeed.webhooks import read_sale
from shared.pos.port import PosEvent
from shared.services.webhooks import ReceiveWebhook, WebhookSecrets
from shared.web.routes import webhooks
from shared.web.routing import Route
from shared.web.signatures import SignedByAlleaves, SignedByLightspeed


class WebhookSettings(FunctionSettings):
    """Settings of ``webhooks``."""

    pos_sync_topic: str


def _routes(settings: WebhookSettings) -> Iterable[Route[Any, Any]]:
    store = database(settings)
    pos_sync = publisher(settings.pos_sync_topic)
    secrets_of = WebhookSecrets(store, SecretResolver(read_secret, settings.google_cloud_project))

    def receive(provider: str, read: Callable[[bytes], PosEvent]) -> ReceiveWebhook:
        return ReceiveWebhook(provider, read, store, pos_sync, utc_now)

    return webhooks.routes(
        (SignedByAlleaves(secrets_of), receive("alleaves", read_event)),
        (SignedByLightspeed(secrets_of), receive("lightspeed", read_sale)),
    )


FUNCTION = HttpFunction("webhooks", WebhookSettings, _routes)
