"""What all seeds share: Google's emulators, and the strict Firestore before them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import emulators
from tests.strict_firestore import process
from tests.strict_firestore.control import Control


@dataclass(frozen=True, slots=True)
class Services:
    """Where they are, as ``127.0.0.1:PORT``. ``strict`` is None where STRICT_FIRESTORE=0 is set."""

    emulator: str
    pubsub: str
    strict: Control | None

    @property
    def firestore(self) -> str:
        """What the functions take for Firestore."""
        return self.strict.host if self.strict else self.emulator


@contextmanager
def running(logs: Path) -> Iterator[Services]:
    """All of them; gone afterwards. What Firestore refuses is in ``refused.log``. Raises what
    Stack raises."""
    with emulators.running(logs) as found:
        if not process.wanted():
            yield Services(found.firestore, found.pubsub, None)
            return
        with process.running(found.firestore, logs / "refused.log") as strict:
            yield Services(found.firestore, found.pubsub, strict)
