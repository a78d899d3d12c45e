"""Plan, deploy and roll back with Terraform, and what Terraform cannot do in between.

    plan ── confirm ── groundwork ── secrets' values, indexes built ── all the rest ── front door

The groundwork is what the functions must find: enabled services, the database with its indexes,
the secrets. All the rest is ordered by Terraform's own graph: accounts and grants, functions,
subscriptions, schedules, which are made paused: ``make smoke`` resumes them.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploy.hosting import Hosting, service_of
from deploy.manifest import Manifest
from deploy.release import commands
from deploy.release.commands import CHANGES, Target
from deploy.release.shell import ReleaseFailed, Shell

GROUNDWORK = (
    *("google_project_service", "google_secret_manager_secret"),
    *("google_firestore_database", "google_firestore_index", "google_firestore_field"),
)
"""Types of the resources that must be ready before the functions are made."""
INDEX_SECONDS, INDEX_LOOK_SECONDS = 3_600.0, 15.0
CRON_SECRET, CRON_SECRET_BYTES = "CRON_SECRET", 32
EMPTY = " "
"""Nothing: Secret Manager keeps no empty value."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Release:
    """Deploys to one target. ``confirm`` asks a person whether to go on; ``given`` are the values
    of secrets that have none yet, by the name of the variable."""

    shell: Shell
    target: Target
    manifest: Manifest
    say: Say
    confirm: Callable[[str], bool]
    given: Callable[[str], str | None] = lambda name: None
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def plan(self) -> None:
        """Show what a deployment would change. Raises ReleaseFailed."""
        self._init()
        if not self._plan():
            self.say("Nothing is to be changed.")

    def deploy(self) -> None:
        """Bring the target to the present source. Raises ReleaseFailed."""
        self._init()
        if self._apply():
            self._front_door()

    def rollback(self, source_object: str = "") -> None:
        """Run the source of an earlier zip again: of ``source_object``, else of the last before
        the present one. Raises ReleaseFailed."""
        self._init()
        live = live_source(self.shell, self.target, self.manifest)
        earlier = source_object or self._previous(live)
        self.say(f"From {live.object} back to {earlier}")
        self._apply(earlier)

    def _init(self) -> None:
        self.target.plan_file.parent.mkdir(parents=True, exist_ok=True)
        self.shell.run(commands.init(self.target))

    def _apply(self, source_object: str = "") -> bool:
        """Whether the plan was confirmed and done, or had nothing to do."""
        if not self._plan(source_object):
            self.say("Nothing is to be changed.")
            return True
        groundwork = addresses(self.shell.ask(commands.show(self.target)), GROUNDWORK)
        if not self.confirm(f"Change project {self.target.project} as planned?"):
            self.say("Nothing was changed.")
            return False
        if groundwork:
            self._plan(source_object, groundwork)
            self.shell.run(commands.apply(self.target))
        self._give_secrets()
        self._wait_for_indexes()
        # A saved plan is of use once only, and the groundwork has been one.
        if not groundwork or self._plan(source_object):
            self.shell.run(commands.apply(self.target))
        return True

    def _plan(self, source_object: str = "", only: Iterable[str] = ()) -> bool:
        """Whether there is something to change."""
        return self.shell.run(commands.plan(self.target, source_object, only)).code == CHANGES

    def _give_secrets(self) -> None:
        """A value to each secret that has none: a function with a secret without one does not
        start."""
        for variable, secret in self.manifest.secrets.items():
            if self.shell.ask(commands.secret_versions(self.target, secret.secret)):
                continue
            value = self.given(variable) or EMPTY
            if variable == CRON_SECRET and value == EMPTY:
                value = secrets.token_hex(CRON_SECRET_BYTES)
            self.shell.run(commands.add_secret_version(self.target, secret.secret, value))
            self.say(f"Secret {secret.secret} has its first value.")

    def _wait_for_indexes(self) -> None:
        deadline = self.monotonic() + INDEX_SECONDS
        while waiting := self.shell.ask(commands.unfinished_indexes(self.target)).split():
            if self.monotonic() > deadline:
                raise ReleaseFailed(
                    f"{len(waiting)} indexes are not built after {INDEX_SECONDS:g} s. "
                    "Deploy again once they are."
                )
            self.say(f"Waiting for {len(waiting)} indexes …")
            self.sleep(INDEX_LOOK_SECONDS)

    def _front_door(self) -> None:
        regions = {each.run.region for each in Hosting.read().rewrites}
        if self.shell.missing(("firebase",)):
            self.say(
                "The front door is left as it is, for there is no Firebase CLI here:\n"
                f"    npx firebase-tools deploy --only hosting --project {self.target.project}"
            )
        elif regions != {self.target.region}:
            self.say(f"firebase.json does not name {self.target.region}: no front door.")
        else:
            self.shell.run(commands.hosting(self.target))

    def _previous(self, live: "Source") -> str:
        listed = json.loads(self.shell.ask(commands.zips(self.target, live.bucket)) or "[]")
        made: dict[str, datetime] = {
            each["name"]: datetime.fromisoformat(each["creation_time"]) for each in listed
        }
        if live.object not in made:
            raise ReleaseFailed(f"The bucket has no {live.object}: name a zip with OBJECT=")
        earlier = [name for name in made if made[name] < made[live.object]]
        if not earlier:
            raise ReleaseFailed(f"There is no zip before {live.object}.")
        return max(earlier, key=made.__getitem__)


@dataclass(frozen=True, slots=True)
class Source:
    """A zip that functions are built from."""

    bucket: str
    object: str


def live_source(shell: Shell, target: Target, manifest: Manifest) -> Source:
    """The zip that the functions run. Raises ReleaseFailed where they run none, or several."""
    services = {service_of(name) for name in manifest.functions}
    found = {
        Source(source["bucket"], source["object"])
        for function in json.loads(shell.ask(commands.functions(target)) or "[]")
        if service_of(function["name"].rpartition("/")[2]) in services
        for source in [function["buildConfig"]["source"]["storageSource"]]
    }
    if len(found) != 1:
        raise ReleaseFailed(
            f"{len(found)} sources are deployed in {target.region}, not one: name a zip with"
            " OBJECT=, or deploy."
        )
    return found.pop()


def addresses(plan: str, types: tuple[str, ...]) -> list[str]:
    """Where a plan, as JSON, creates or changes resources of these types."""
    changes: list[dict[str, Any]] = json.loads(plan).get("resource_changes", [])
    return [
        each["address"]
        for each in changes
        if each["type"] in types and {"create", "update"} & set(each["change"]["actions"])
    ]
