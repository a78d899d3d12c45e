"""Doing a stream's work: once in a run, and so that its failure is noted and the others go on."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

import structlog

from shared.errors import OrgError, ProviderError
from shared.services.sync import ending
from shared.services.sync.session import Session

T = TypeVar("T")

log = structlog.get_logger(__name__)


class NotGiven(Exception):
    """The POS has no such thing for this account: the stream is neither done nor failed."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts of one invocation at the streams that are wanted."""

    session: Session
    wanted: Collection[str]

    def __call__(self, stream: str, work: Callable[[], T]) -> T | None:
        """Do the work, if the stream is wanted and the run has not done it yet. None where it was
        not, or failed, which is then noted on the run."""
        run = self.session.run
        if stream not in self.wanted or stream in run.done:
            return None
        started = time.monotonic()
        result: T | None = None
        try:
            result = work()
        except NotGiven:
            log.info("stream_not_given", stream=stream)
            return None
        except (OrgError, ProviderError) as error:
            log.warning("stream_failed", stream=stream, code=error.code, owner=error.owner)
            run.errors.append(ending.note(error, stream))
        finally:
            run.tally(stream).seconds += time.monotonic() - started
        run.done.append(stream)
        log.info("stream_done", stream=stream, **run.tally(stream).model_dump())
        return result
