"""Notifying people, through any of the services that apprise knows (e-mail, chat, pagers, …)."""

import logging
import time
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import structlog
from pydantic import SecretStr

from shared.bus.notification_urls import fault
from shared.outbound.addresses import only_public

if TYPE_CHECKING:
    from apprise import Apprise

TIMEOUT_SECONDS = 10.0
"""For all addresses together: they are notified at the same time, those of orgs first."""

# Its log lines hold addresses, and an address holds a token or a password.
logging.getLogger("apprise").disabled = True

log = structlog.get_logger(__name__)


class Notifier:
    """Sends to notification URLs, https://github.com/caronc/apprise/wiki. All but those ``trusted``
    are an org's: they may name the services of notification_urls.py only, and reach no address that
    is not public, except, with ``loopback``, those of this machine."""

    def __init__(self, trusted: Collection[SecretStr] = (), *, loopback: bool = False) -> None:
        self._trusted = frozenset(url.get_secret_value() for url in trusted)
        self._loopback = loopback

    def knows(self, url: SecretStr) -> bool:
        """Whether it is the address of a service that it can send to."""
        import apprise  # as below

        return bool(apprise.Apprise().add(url.get_secret_value()))

    def send(self, urls: Sequence[SecretStr], title: str, body: str) -> list[bool]:
        """Send to all, within TIMEOUT_SECONDS; for each whether it accepted the message. Logs
        which service failed, without its address."""
        # Here, for it takes a tenth of each cold start, and people are seldom to be told.
        import apprise

        trusted, of_orgs = apprise.Apprise(), apprise.Apprise()
        accepted = [False] * len(urls)
        for place, url in enumerate(urls):
            text = url.get_secret_value()
            is_trusted = text in self._trusted
            if not is_trusted and (why := fault(text)):
                log.warning("notification_url_refused", place=place, why=why)
            elif not (trusted if is_trusted else of_orgs).add(text, tag=str(place)):
                log.warning("notification_url_invalid", place=place)
        until = time.monotonic() + TIMEOUT_SECONDS
        for services in (of_orgs, trusted):
            seconds = max(until - time.monotonic(), TIMEOUT_SECONDS / 2)
            for place in self._notified(services, title, body, seconds, services is trusted):
                accepted[place] = True
        return accepted

    def _notified(
        self, services: "Apprise", title: str, body: str, seconds: float, trusted: bool
    ) -> list[int]:
        """The places of those that accepted the message."""
        if not len(services):
            return []
        accepted = []
        with (
            nullcontext() if trusted else only_public(loopback=self._loopback),
            services.notify(body=body, title=title, timeout=seconds) as result,
        ):
            for sent in result:
                if sent:
                    accepted.append(next(int(tag) for tag in sent.tag if tag.isdecimal()))
                else:
                    log.warning("notification_failed", service=sent.name, why=sent.status.name)
        return accepted
