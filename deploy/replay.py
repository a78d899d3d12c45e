"""Try again what failed:  python -m deploy.replay dead-letters|quarantine [--org ORG] [--id ID]

    dead-letters   publishes messages that were given up to their topics again, each once
                   (--id: the one of that message id, even if it was replayed before)
    quarantine     asks the POS again for records that could not be read
                   (--id: the one of that document id, as in orders_alleaves_4711)

Works on the project of GOOGLE_CLOUD_PROJECT and its default database, or that of
FIRESTORE_DATABASE; on the local cloud where FIRESTORE_EMULATOR_HOST and
PUBSUB_EMULATOR_HOST are set too (.local/stack.json has all three).
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from deploy.manifest import DEFAULT_DATABASE, Manifest
from shared.bootstrap.clients import database
from shared.bootstrap.publishing import publisher
from shared.bootstrap.settings import FunctionSettings
from shared.clock import utc_now
from shared.services.dead_letters import (
    ReplayDeadLetters,
    ReplayQuarantine,
    ReplayResult,
    topic_by_subscription,
)

LIMIT = 100
POS_SYNC = "pos-sync"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything was sent again, 1 when something cannot be."""
    given = _parser().parse_args(arguments)
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    if not project:
        print("GOOGLE_CLOUD_PROJECT is not set.", file=sys.stderr)
        return 2
    settings = FunctionSettings(
        google_cloud_project=project,
        firestore_database=os.environ.get("FIRESTORE_DATABASE", DEFAULT_DATABASE),
    )
    outcome = _replay(given.what, settings, given.org, given.id, given.limit)
    print(f"{outcome.sent} sent again.")
    for letter, why in outcome.left.items():
        print(f"{letter}: {why}.")
    return 1 if outcome.left else 0


def topic_of(manifest: Manifest, source: str) -> str | None:
    """The topic by that name, or the one that the subscription's function listens to."""
    name = source.rpartition("/")[2]
    if name in manifest.topics:
        return name
    return topic_by_subscription(source, manifest.topics_of_functions)


def _replay(
    what: str, settings: FunctionSettings, org_id: str | None, found_id: str | None, limit: int
) -> ReplayResult:
    manifest, store, project = Manifest.read(), database(settings), settings.google_cloud_project

    def publish(topic: str, text: str, attributes: Mapping[str, str]) -> None:
        publisher(f"projects/{project}/topics/{topic}").publish_text([text], attributes)

    if what == "dead-letters":
        letters = ReplayDeadLetters(store, publish, lambda s: topic_of(manifest, s), utc_now)
        return letters(org_id, found_id, limit)
    pos_sync = publisher(f"projects/{project}/topics/{POS_SYNC}")
    return ReplayQuarantine(store, pos_sync.publish, utc_now)(org_id, found_id, limit)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.replay",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("dead-letters", "quarantine"))
    parser.add_argument("--org", metavar="ORG", help="only this org's")
    parser.add_argument("--id", metavar="ID", help="only this one")
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"at most so many ({LIMIT})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
