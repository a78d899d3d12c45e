"""How people are alerted."""

from pydantic import Field, SecretStr

from shared.bootstrap.outbound import OutboundSettings
from shared.bus.notifier import Notifier
from shared.clock import utc_now
from shared.services.alerts import Alerts
from shared.store.database import Database


class AlertSettings(OutboundSettings):
    """Whom to alert."""

    operator_alert_urls: SecretStr = Field(
        default=SecretStr(""),
        description="Notification URLs of the operators, with commas between; empty: nobody is "
        "told.",
    )


def alerts(settings: AlertSettings, store: Database) -> Alerts:
    """Alerts to each org's own addresses and to the operator's."""
    listed = settings.operator_alert_urls.get_secret_value().split(",")
    urls = [SecretStr(url.strip()) for url in listed if url.strip()]
    return Alerts(store, Notifier(urls, loopback=settings.destinations.loopback), urls, utc_now)
