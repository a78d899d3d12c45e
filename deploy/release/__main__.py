"""Deploy to a project of Google's:  python -m deploy.release plan|deploy|smoke|rollback

    plan      shows what deploying the present source would change
    deploy    shows it, asks, and does it
    smoke     syncs one org from a tick, previews it, then resumes the schedules (--org)
    rollback  runs the source of the zip before the present one, or of --object, again

Variables of Terraform stand in deploy/projects/PROJECT.tfvars.json. The first deployment takes the
values of secrets from the environment (OPERATOR_ALERT_URLS); CRON_SECRET is made.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from deploy.manifest import Manifest
from deploy.release.checks import check
from deploy.release.commands import Target
from deploy.release.deployment import Release
from deploy.release.shell import ReleaseFailed, Shell
from deploy.release.smoke import Smoke
from shared.bootstrap.clients import database
from shared.bootstrap.settings import FunctionSettings

DONE, FAILED = 0, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """DONE, or FAILED with the reason on standard error."""
    given = _parser().parse_args(arguments)
    try:
        _run(given)
    except ReleaseFailed as error:
        print(error, file=sys.stderr)
        return FAILED
    return DONE


def _run(given: argparse.Namespace) -> None:
    shell, target, manifest = Shell(), Target.of(given.project), Manifest.read()
    check(shell, target)
    release = Release(
        shell, target, manifest, print, lambda question: given.yes or _asked(question), _secret
    )
    if given.what == "plan":
        release.plan()
    elif given.what == "deploy":
        release.deploy()
    elif given.what == "rollback":
        release.rollback(given.object)
    else:
        settings = FunctionSettings(
            google_cloud_project=target.project, firestore_database=target.database
        )
        Smoke(shell, target, manifest, database(settings), print)(given.org)


def _asked(question: str) -> bool:
    if not sys.stdin.isatty():
        raise ReleaseFailed(f"{question} Nobody is here to say so: YES=1 does.")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _secret(variable: str) -> str | None:
    return os.environ.get(variable)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.release",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="what", required=True)
    for name in ("plan", "deploy", "smoke", "rollback"):
        verb = verbs.add_parser(name)
        verb.add_argument("--project", required=True)
        verb.add_argument("--yes", action="store_true", help="ask nobody")
        if name == "smoke":
            verb.add_argument("--org", required=True, help="id of the org to sync")
        if name == "rollback":
            verb.add_argument("--object", default="", help="name of a zip in the source bucket")
    return parser


if __name__ == "__main__":
    sys.exit(main())
