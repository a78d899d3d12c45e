"""The attempts of one invocation at the streams of a provider: one that fails is noted on the run,
the others go on."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

import structlog

from shared import tracing
from shared.errors import OrgError, ProviderError
from shared.services.sync.session import Session

T = TypeVar("T")

log = structlog.get_logger(__name__)


class NotProvided(Exception):
    """The POS has no such thing for this account: the stream is neither done nor failed."""


@dataclass(frozen=True, slots=True)
class StreamAttempts:
    """The attempts of one invocation at the streams that are wanted."""

    session: Session
    wanted: Collection[str]

    def is_due(self, stream: str) -> bool:
        """Whether the stream is wanted and the run has not done it yet."""
        return stream in self.wanted and stream not in self.session.run.done

    def __call__(self, stream: str, work: Callable[[], T]) -> T | None:
        """Do the work, if the stream is due. None where it was not, or failed, which is then noted
        on the run."""
        run = self.session.run
        if not self.is_due(stream):
            return None
        started = time.monotonic()
        result: T | None = None
        try:
            with tracing.span("stream", stream=stream):
                result = work()
        except NotProvided:
            log.info("stream_not_given", stream=stream)
            return None
        except (OrgError, ProviderError) as error:
            log.warning("stream_failed", stream=stream, code=error.code, owner=error.owner)
            self.session.fail(error, stream)
        finally:
            run.tally(stream).seconds += time.monotonic() - started
        run.done.append(stream)
        log.info("stream_done", stream=stream, **run.tally(stream).model_dump(by_alias=False))
        return result
