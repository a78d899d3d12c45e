"""Handling of one event: decode it, call the service, turn errors into retries."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog
from cloudevents.http import CloudEvent
from structlog.contextvars import bound_contextvars as bound
from werkzeug.exceptions import InternalServerError, ServiceUnavailable, TooManyRequests

from shared import tracing
from shared.admission import Admission, NoRoom
from shared.bus.events import Delivery, DocumentChange, delivery, document_change
from shared.bus.messages import Message
from shared.clock import Clock
from shared.errors import InvalidMessage, RetryLater, SyncSamError, UnknownOrg
from shared.store import audit, dead_letters
from shared.store.database import Database

M = TypeVar("M", bound=Message)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MessageConsumer(Generic[M]):
    """Hands the messages of one topic to a service, as many at once as ``admission`` lets in. An
    invalid message is recorded as a dead letter and acknowledged, one about an org that was erased
    only acknowledged; after any other error Pub/Sub delivers it again."""

    topic: str
    model: type[M]
    handle: Callable[[M, Delivery], None]
    database: Database
    clock: Clock
    admission: Admission = field(default_factory=Admission)

    def __call__(self, event: CloudEvent) -> None:
        """Process one event."""
        received = delivery(event)
        with (
            tracing.door(self.topic, received.caller, flush=True),
            bound(topic=self.topic, message_id=received.id),
        ):
            try:
                message = self.model.parse(received.json())
                named = {name: getattr(message, name, None) for name in ("org_id", "run_id")}
                ids = {name: value for name, value in named.items() if value}
                tracing.note(**ids)
                with bound(**ids), _answered(), self.admission.admitted():
                    self.handle(message, received)
            except InvalidMessage as error:
                if isinstance(error, UnknownOrg) and audit.is_erased_org(
                    self.database, error.org_id
                ):  # its last changes have asked for this
                    log.info("message_of_erased_org", org_id=error.org_id)
                    return
                log.warning("message_invalid", reason=str(error))
                dead_letters.record(
                    self.database,
                    received.letter_id,
                    topic=self.topic,
                    data=received.data,
                    code=error.code,
                    reason=str(error),
                    now=self.clock(),
                )


@dataclass(frozen=True, slots=True)
class DocumentConsumer:
    """Hands the changed documents that a function watches to a service. An unreadable change is
    logged and acknowledged: it is only a hint, the data is in Firestore."""

    handle: Callable[[DocumentChange], None]

    def __call__(self, event: CloudEvent) -> None:
        """Process one event."""
        with tracing.door("document", None), bound(event_id=str(event["id"])):
            try:
                change = document_change(event)
                with bound(document=change.path), _answered():
                    self.handle(change)
            except InvalidMessage as error:
                log.warning("change_unreadable", reason=str(error))


@contextmanager
def _answered() -> Iterator[None]:
    """Turns a service's errors into HTTP errors, after which Pub/Sub delivers again."""
    try:
        yield
    except NoRoom as error:
        log.info("message_refused", reason=str(error))
        raise TooManyRequests(str(error)) from error
    except RetryLater as error:
        log.info("message_postponed", reason=str(error))
        raise ServiceUnavailable(str(error)) from error
    except InvalidMessage:
        raise
    except Exception as error:
        known = error if isinstance(error, SyncSamError) else SyncSamError()
        log.exception("message_failed", code=known.code, owner=known.owner)
        # An HTTP error is not logged a second time by Flask.
        raise InternalServerError from error
