"""What every function reached by an event does around its one service call."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from cloudevents.http import CloudEvent
from werkzeug.exceptions import InternalServerError, ServiceUnavailable

from shared.bus.events import Delivery, DocumentChange, delivery, document_change
from shared.bus.messages import Message
from shared.clock import Clock
from shared.errors import InvalidMessage, RetryLater
from shared.log import bound
from shared.store import dead_letters
from shared.store.database import Database

M = TypeVar("M", bound=Message)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MessageConsumer(Generic[M]):
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
                with bound(**{name: value for name, value in ids.items() if value}), _answered():
                    self.handle(message, received)
            except InvalidMessage as error:
                log.warning("message_invalid", reason=str(error))
                self._bury(received, error)

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


@dataclass(frozen=True, slots=True)
class DocumentConsumer:
    """Hands the changed documents that a function watches to a service.

    A change that cannot be read is logged and acknowledged: it is a hint, and whatever it was
    about stands in Firestore. Errors are answered as a Consumer's.
    """

    handle: Callable[[DocumentChange], None]

    def __call__(self, event: CloudEvent) -> None:
        """Process one event."""
        with bound(event_id=str(event["id"])):
            try:
                change = document_change(event)
                with bound(document=change.path), _answered():
                    self.handle(change)
            except InvalidMessage as error:
                log.warning("change_unreadable", reason=str(error))


@contextmanager
def _answered() -> Iterator[None]:
    """Turns what a service raises into the answer that lets Pub/Sub deliver again."""
    try:
        yield
    except RetryLater as error:
        log.info("message_postponed", reason=str(error))
        raise ServiceUnavailable(str(error)) from error
    except InvalidMessage:
        raise
    except Exception as error:
        log.exception("message_failed")
        # Answered as an HTTP error, which Flask does not log a second time in its own form.
        raise InternalServerError from error
