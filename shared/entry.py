"""What every function reached by a message does around its one service call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from cloudevents.http import CloudEvent
from werkzeug.exceptions import InternalServerError, ServiceUnavailable

from shared.bus.events import Delivery, delivery
from shared.bus.messages import Message
from shared.clock import Clock
from shared.errors import InvalidMessage, RetryLater
from shared.log import bound
from shared.store import dead_letters
from shared.store.database import Database

M = TypeVar("M", bound=Message)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Consumer(Generic[M]):
    """Hands the messages of one topic to a service.

    A message that can never be processed is recorded among the dead letters and acknowledged;
    RetryLater and everything unforeseen let Pub/Sub deliver it again.
    """

    topic: str
    model: type[M]
    handle: Callable[[M, Delivery], None]
    database: Database
    clock: Clock

    def __call__(self, event: CloudEvent) -> None:
        """Process one event."""
        received = delivery(event)
        with bound(topic=self.topic, message_id=received.id):
            try:
                message = self.model.parse(received.json())
                ids = {name: getattr(message, name, None) for name in ("org_id", "run_id")}
                with bound(**{name: value for name, value in ids.items() if value}):
                    self._handle(message, received)
            except InvalidMessage as error:
                log.warning("message_invalid", reason=str(error))
                self._bury(received, error)

    def _handle(self, message: M, received: Delivery) -> None:
        try:
            self.handle(message, received)
        except RetryLater as error:
            log.info("message_postponed", reason=str(error))
            raise ServiceUnavailable(str(error)) from error
        except InvalidMessage:
            raise
        except Exception as error:
            log.exception("message_failed")
            # Answered as an HTTP error, which Flask does not log a second time in its own form.
            raise InternalServerError from error

    def _bury(self, received: Delivery, error: InvalidMessage) -> None:
        dead_letters.record(
            self.database,
            received.id,
            topic=self.topic,
            text=received.text,
            code=error.code,
            reason=str(error),
            now=self.clock(),
        )
