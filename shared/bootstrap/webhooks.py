"""The routes and services of ``functions/webhooks``."""

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import Field, SecretStr, field_validator

from shared.bootstrap.clients import database
from shared.bootstrap.http import HttpFunction, HttpFunctionSettings
from shared.bootstrap.publishing import publisher
from shared.bootstrap.secrets import SecretSettings
from shared.clock import utc_now
from shared.domain.providers import Provider
from shared.pos.alleaves.webhooks import locations_in, read_event
from shared.pos.lightspeed.webhooks import accounts_in
from shared.pos.lightspeed.webhooks import read_event as read_lightspeed
from shared.pos.port import PosEvent
from shared.services.webhook_senders import WebhookSenders
from shared.services.webhooks import ReceiveWebhook
from shared.web.routes import webhooks
from shared.web.routing import Route
from shared.web.signatures import SecretInAddress, SignedByAlleaves, SignedByLightspeed


class WebhookSettings(HttpFunctionSettings, SecretSettings):
    """Settings of ``webhooks``."""

    pos_sync_topic: str = Field(description="Full name of the topic `pos-sync`.")
    alleaves_webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Secret of the Alleaves locations without a `posConfig.webhookSecret`; blank: "
        "there is none.",
    )

    @field_validator("alleaves_webhook_secret")
    @classmethod
    def _without_blanks(cls, given: SecretStr) -> SecretStr:
        return SecretStr(given.get_secret_value().strip())


def _routes(settings: WebhookSettings) -> Iterable[Route[Any, Any]]:
    store = database(settings)
    pos_sync = publisher(settings.pos_sync_topic)
    # Text is taken here: these secrets prove who calls, and are sent nowhere.
    secrets = settings.resolver(plain_text=True)
    alleaves = WebhookSenders(
        "alleaves",
        store,
        secrets,
        fallback=settings.alleaves_webhook_secret,
        places_in=locations_in,
    )
    lightspeed = WebhookSenders("lightspeed", store, secrets, places_in=accounts_in)

    def receive(provider: Provider, read: Callable[[bytes], PosEvent]) -> ReceiveWebhook:
        return ReceiveWebhook(provider, read, store, pos_sync, utc_now)

    return webhooks.routes(
        (SignedByAlleaves(alleaves), receive("alleaves", read_event)),
        (
            SignedByLightspeed(lightspeed),
            SecretInAddress(lightspeed.knows),
            receive("lightspeed", read_lightspeed),
        ),
    )


FUNCTION = HttpFunction("webhooks", WebhookSettings, _routes)
