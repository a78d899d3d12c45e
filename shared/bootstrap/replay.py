"""What sends again what failed: for people, by a route or a command."""

from collections.abc import Callable, Mapping

from shared.bus.publisher import Publisher
from shared.clock import utc_now
from shared.services.dead_letters import ReplayDeadLetters, ReplayQuarantine, topic_of
from shared.store.database import Database

PublisherTo = Callable[[str], Publisher]
"""A publisher to the topic of that full name."""


def dead_letter_replay(
    store: Database, topics: Mapping[str, str], publisher_to: PublisherTo
) -> ReplayDeadLetters:
    """Sends dead letters to their topics again: ``topics`` are the full names of the topics that
    functions listen to, by the function's name."""

    def publish(topic: str, text: str, attributes: Mapping[str, str]) -> None:
        publisher_to(topic).publish_text([text], attributes)

    return ReplayDeadLetters(store, publish, lambda source: topic_of(source, topics), utc_now)


def quarantine_replay(store: Database, pos_sync: Publisher) -> ReplayQuarantine:
    """Has records in quarantine fetched again, by messages to ``pos-sync``."""
    return ReplayQuarantine(store, pos_sync.publish, utc_now)
