"""What stands behind ``functions/webhooks``."""

from collections.abc import Callable
from functools import cache

from shared.bootstrap.clients import database, publisher
from shared.bootstrap.settings import FunctionSettings, start
from shared.clock import utc_now
from shared.outbound.secrets import SecretResolver, read_secret
from shared.pos.alleaves.webhooks import read_event
from shared.pos.lightspeed.webhooks import read_sale
from shared.pos.port import PosEvent
from shared.services.webhooks import ReceiveWebhook, WebhookSecrets
from shared.web.router import App
from shared.web.routes import webhooks
from shared.web.signatures import SignedByAlleaves, SignedByLightspeed


class Settings(FunctionSettings):
    """Settings of ``webhooks``."""

    pos_sync_topic: str


@cache
def settings() -> Settings:
    """The settings, checked when the function starts."""
    return start(Settings)


@cache
def app() -> App:
    """Takes in webhooks."""
    given = settings()
    store = database(given.google_cloud_project)
    pos_sync = publisher(given.pos_sync_topic)
    secrets_of = WebhookSecrets(store, SecretResolver(read_secret, given.google_cloud_project))

    def receive(provider: str, read: Callable[[bytes], PosEvent]) -> ReceiveWebhook:
        return ReceiveWebhook(provider, read, store, pos_sync, utc_now)

    return App(
        "webhooks",
        webhooks.routes(
            (SignedByAlleaves(secrets_of), receive("alleaves", read_event)),
            (SignedByLightspeed(secrets_of), receive("lightspeed", read_sale)),
        ),
    )
