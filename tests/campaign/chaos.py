"""How messages are delivered: in what order, how many times, and to what kind of worker."""

from dataclasses import dataclass, field
from random import Random

from tests.campaign import process_fault
from tests.campaign.plan import Plan, rng
from tests.campaign.process_fault import ProcessFault
from tests.campaign.subscriptions import Message

FIRST_PAUSE_SECONDS = 0.3
SHORTEST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
LATE_SECONDS = 1.5
"""A delivery that comes so much later comes when all else seems over, if that is earlier."""


@dataclass(frozen=True, slots=True)
class Calm:
    """Every message is delivered once, at once, and again after a while where that fails. Only the
    workers of ``doomed`` messages, by function and ordinal, are killed at each delivery."""

    max_attempts: int | None
    doomed: frozenset[tuple[str, int]] = frozenset()

    def delays(self, message: Message) -> list[float]:
        """Seconds until each of the message's copies is delivered."""
        return [0.0]

    def process_fault(self, message: Message, copy: int) -> ProcessFault | None:
        """The fault of the worker of one delivery."""
        return ProcessFault("killed", 1, "before") if self._is_doomed(message) else None

    def is_last(self, message: Message, copy: int) -> bool:
        """Whether the worker of a delivery is taken away once it is over."""
        return False

    def pause(self, message: Message) -> float:
        """Seconds until a message whose delivery failed is delivered again."""
        if self._is_doomed(message):
            return SHORTEST_PAUSE_SECONDS  # there is nothing to wait for
        return min(FIRST_PAUSE_SECONDS * (1 << message.failures), LONGEST_PAUSE_SECONDS)

    def _is_doomed(self, message: Message) -> bool:
        return (message.function, message.ordinal) in self.doomed


@dataclass(frozen=True, slots=True)
class Chaos(Calm):
    """Messages come late, out of order, twice or thrice; workers are killed and stopped."""

    plan: Plan = field(kw_only=True)

    def delays(self, message: Message) -> list[float]:
        dice = self._dice(message, "delays")
        copies = dice.choice((1, 1, 1, 1, 1, 2, 2, 3))
        first = dice.choice((0.0, 0.0, 0.1, dice.uniform(0, LATE_SECONDS)))
        return [first + _behind(dice) * (copy > 0) for copy in range(copies)]

    def process_fault(self, message: Message, copy: int) -> ProcessFault | None:
        if doom := Calm.process_fault(self, message, copy):
            return doom
        dice = self._dice(message, copy, message.failures)
        lease_seconds = float(self.plan.settings["LEASE_SECONDS"])
        return process_fault.draw(dice, message.function, lease_seconds)

    def is_last(self, message: Message, copy: int) -> bool:
        return self._dice(message, copy, message.failures, "last").random() < 0.3

    def pause(self, message: Message) -> float:
        dice = self._dice(message, "pause", message.failures)
        return Calm.pause(self, message) * dice.uniform(0.3, 1.0)

    def _dice(self, message: Message, *subject: object) -> Random:
        return rng(self.plan.seed, message.function, message.ordinal, *subject)


def _behind(dice: Random) -> float:
    """A twin comes at the same moment, a little later, or when all seems over."""
    return dice.choice((0.0, 0.0, dice.uniform(0, 1), dice.uniform(LATE_SECONDS, 4)))
