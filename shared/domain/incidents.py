"""An incident: something people must be alerted to once, however many runs meet it."""

from datetime import datetime, timedelta
from typing import Literal, Self

from shared.models import FrozenCamelModel

SENDING = timedelta(seconds=60)
"""How long a sender keeps others from sending it too: well over the time limit of sending."""
MANY_ATTEMPTS = 5
"""After so many it is tried once a day, as it is where there is no address to send to."""
DAY = timedelta(days=1)
KEPT = timedelta(days=365)
"""How long a resolved incident is kept."""


class Announcement(FrozenCamelModel):
    """What is sent to each of some addresses once, as stored; methods return it as it is
    afterwards. ``told`` are the addresses that have it already, each as a hash: an address is a
    secret. ``sent_at`` is set once all have it. ``not_before`` is when sending may next be tried.
    ``expire_at``: when it may be deleted."""

    key: str
    org_id: str | None = None
    title: str
    body: str
    sent_at: datetime | None = None
    attempts: int = 0
    not_before: datetime | None = None
    told: tuple[str, ...] = ()
    expire_at: datetime | None = None

    def due(self, now: datetime) -> bool:
        """Whether it is to be sent now: not sent to all, and not being sent."""
        waiting = self.not_before is not None and now < self.not_before
        return self.sent_at is None and not waiting

    def claimed(self, now: datetime) -> Self:
        """The caller sends it; another one that asks meanwhile does not."""
        return self.model_copy(update={"attempts": self.attempts + 1, "not_before": now + SENDING})

    def sent(self, told: set[str], *, left: int, now: datetime) -> Self:
        """Sending is over: ``told`` took it, ``left`` addresses did not."""
        update: dict[str, object] = {"told": tuple(sorted({*self.told, *told}))}
        if update["told"] and not left:
            update |= {"sent_at": now, "not_before": None}
        else:
            rare = not left or self.attempts >= MANY_ATTEMPTS
            update |= {"sent_at": None, "not_before": now + (DAY if rare else timedelta(0))}
        return self.model_copy(update=update)


class Incident(Announcement):
    """One incident. It never expires while it is open."""

    state: Literal["open", "resolved"] = "open"
    opened_at: datetime
    resolved_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    def due(self, now: datetime) -> bool:
        """Whether it is to be sent now; never once it is resolved."""
        return self.is_open and super().due(now)

    def resolved(self, now: datetime) -> Self:
        """It is over: the next time is an incident of its own."""
        update = {"state": "resolved", "resolved_at": now, "expire_at": now + KEPT}
        return self.model_copy(update=update)
