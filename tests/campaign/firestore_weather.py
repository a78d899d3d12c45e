"""Drawing how Firestore fails, and telling what fails because of it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from random import Random

from google.api_core import exceptions

from tests.strict_firestore.control import Control
from tests.strict_firestore.weather import Contention, Fault, Latency

NO_CONTENTION = Contention()
UNDONE = "UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED"
READS = "RunQuery", "BatchGetDocuments"
_FAILURES = (
    exceptions.Aborted,
    exceptions.DeadlineExceeded,
    exceptions.ResourceExhausted,
    exceptions.RetryError,
    exceptions.ServiceUnavailable,
)


@dataclass(frozen=True, slots=True)
class FirestoreWeather:
    """How Firestore fares for the time of a tick."""

    contention: Contention = NO_CONTENTION
    faults: tuple[Fault, ...] = ()
    latency: Latency | None = None

    def set(self, strict: Control, project: str, seed: int) -> None:
        """Let it be so for that project."""
        strict.clear(seed, project=project)
        strict.contention(self.contention.share, self.contention.lasting, project=project)
        for fault in self.faults:
            strict.fault(**asdict(fault), project=project)
        if self.latency:
            strict.latency(self.latency.fixed, self.latency.jitter, project=project)

    def lines(self) -> Iterator[str]:
        """What there is of it."""
        if self.contention.share:
            yield str(self.contention)
        yield from map(str, (*self.faults, self.latency) if self.latency else self.faults)


FAIR = FirestoreWeather()


def draw_contention(dice: Random) -> Contention:
    """Commits that overlap are aborted at every seed; at some, those too that write a document
    soon after another commit has written it."""
    return Contention(dice.choice((0.5, 1.0, 1.0)), dice.choice((0.0, 0.0, 0.05, 0.2)))


def draw_faults(dice: Random) -> tuple[tuple[Fault, ...], Latency | None]:
    """Faults of one tick, and how much longer each call takes."""
    faults = tuple(dice.choice(_KINDS)(dice) for _ in range(dice.choice((0, 0, 1, 2, 3))))
    slow = Latency(dice.choice((0.01, 0.05)), dice.choice((0.0, 0.1)))
    return faults, slow if dice.random() < 0.25 else None


def is_to_blame(error: BaseException | None) -> bool:
    """Whether an error was raised because Firestore failed."""
    while error is not None:
        if isinstance(error, _FAILURES):
            return True
        error = error.__cause__ or error.__context__
    return False


def _commit_undone(dice: Random) -> Fault:
    return Fault(dice.choice(UNDONE), count=dice.choice((1, 2, 4)))


def _share_of_commits(dice: Random) -> Fault:
    return Fault(dice.choice(UNDONE), count=None, share=dice.choice((0.1, 0.25)))


def _answer_lost(dice: Random) -> Fault:
    status = dice.choice(("UNAVAILABLE", "UNAVAILABLE", "DEADLINE_EXCEEDED"))
    return Fault(status, count=dice.choice((1, 1, 3)), applied=True)


def _read_failed(dice: Random) -> Fault:
    status = dice.choice(("UNAVAILABLE", "RESOURCE_EXHAUSTED"))
    return Fault(status, dice.choice(READS), count=dice.choice((1, 2, 4)))


def _query_broken_off(dice: Random) -> Fault:
    return Fault("UNAVAILABLE", "RunQuery", count=dice.choice((1, 3)), applied=True)


_KINDS: tuple[Callable[[Random], Fault], ...] = (
    _commit_undone,
    _share_of_commits,
    _answer_lost,
    _read_failed,
    _query_broken_off,
)
