"""Notifying people, through any of the services that apprise knows (e-mail, chat, pagers, …)."""

import logging
from collections.abc import Sequence

import structlog
from pydantic import SecretStr

TIMEOUT_SECONDS = 10.0
"""For all addresses together: they are notified at the same time."""

# Its log lines hold addresses, and an address holds a token or a password.
logging.getLogger("apprise").disabled = True

log = structlog.get_logger(__name__)


class Notifier:
    """Sends to notification URLs, https://github.com/caronc/apprise/wiki."""

    def knows(self, url: SecretStr) -> bool:
        """Whether it is the address of a service that it can send to."""
        import apprise  # as below

        return bool(apprise.Apprise().add(url.get_secret_value()))

    def send(self, urls: Sequence[SecretStr], title: str, body: str) -> list[bool]:
        """Send to all, within TIMEOUT_SECONDS; for each whether it accepted the message. Logs
        which service failed, without its address."""
        # Here, for it takes a tenth of each cold start, and people are seldom to be told.
        import apprise

        services = apprise.Apprise()
        accepted = [False] * len(urls)
        for place, url in enumerate(urls):
            if not services.add(url.get_secret_value(), tag=str(place)):
                log.warning("notification_url_invalid", place=place)
        if not len(services):
            return accepted
        with services.notify(body=body, title=title, timeout=TIMEOUT_SECONDS) as result:
            for sent in result:
                place = next(int(tag) for tag in sent.tag if tag.isdecimal())
                accepted[place] = bool(sent)
                if not sent:
                    log.warning("notification_failed", service=sent.name, why=sent.status.name)
        return accepted
