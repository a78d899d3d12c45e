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
from collections.abc import Sequence

from deploy.manifest import DEFAULT_DATABASE, Manifest, full_name
from shared.bootstrap.clients import database
from shared.bootstrap.publishing import publisher
from shared.bootstrap.replay import dead_letter_replay, quarantine_replay
from shared.bootstrap.settings import FunctionSettings
from shared.services.dead_letters import ReplayResult

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


def _replay(
    what: str, settings: FunctionSettings, org_id: str | None, found_id: str | None, limit: int
) -> ReplayResult:
    manifest, store, project = Manifest.read(), database(settings), settings.google_cloud_project
    if what == "dead-letters":
        topics = manifest.topics_of_functions.items()
        named = {function: full_name(project, topic) for function, topic in topics}
        return dead_letter_replay(store, named, publisher)(org_id, found_id, limit)
    pos_sync = publisher(full_name(project, POS_SYNC))
    return quarantine_replay(store, pos_sync)(org_id, found_id, limit)


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
