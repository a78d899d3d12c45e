"""What sends again what failed: for people, by a route or a command."""

from collections.abc import Mapping

from shared.bootstrap.publishing import publisher
from shared.clock import utc_now
from shared.services.dead_letters import ReplayDeadLetters, ReplayQuarantine, topic_of
from shared.store.database import Database


def dead_letter_replay(store: Database, topics: Mapping[str, str]) -> ReplayDeadLetters:
    """Sends dead letters to their topics again: ``topics`` are the full names of the topics that
    functions listen to, by the function's name."""

    def publish(topic: str, text: str, attributes: Mapping[str, str]) -> None:
        publisher(topic).publish_text([text], attributes)

    return ReplayDeadLetters(store, publish, lambda source: topic_of(source, topics), utc_now)


def quarantine_replay(store: Database, pos_sync_topic: str) -> ReplayQuarantine:
    """Has records in quarantine fetched again, by messages to the topic of that full name."""
    return ReplayQuarantine(store, publisher(pos_sync_topic).publish, utc_now)
