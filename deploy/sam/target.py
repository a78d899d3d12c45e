"""Where a command works: the local cloud of this clone, or a project of Google's.

The services are called in process, with the clients that the functions have. Google's libraries
find the emulators of the local cloud by variables of the environment, which are set here.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from deploy.local.paths import ROOT, STACK_FILE, within_clone
from deploy.manifest import DEFAULT_DATABASE, Manifest
from deploy.release.commands import PROJECTS
from deploy.sam.google import NotAnswered, signed_in
from shared.bootstrap.clients import database
from shared.bootstrap.publishing import publisher
from shared.bootstrap.secrets import SecretSettings
from shared.bootstrap.settings import FunctionSettings
from shared.bus.later import LaterPublisher
from shared.bus.publisher import Publisher
from shared.errors import ConfigurationInvalid, Owner, SyncSamError
from shared.outbound.credentials import SecretResolver, read_secret
from shared.services.admin.audit import Actor
from shared.store.database import Database

S = TypeVar("S", bound=FunctionSettings)

EMULATORS = {
    "firestore": "FIRESTORE_EMULATOR_HOST",
    "pubsub": "PUBSUB_EMULATOR_HOST",
    "tasks": "CLOUD_TASKS_EMULATOR_HOST",
    "secretManager": "SECRET_MANAGER_EMULATOR_HOST",
    "kms": "KMS_EMULATOR_HOST",
    "auth": "FIREBASE_AUTH_EMULATOR_HOST",
}
"""The variables by which clients find what ``.local/stack.json`` names."""
PROGRAM = "sync-sam"
STACK_VARIABLE = "SYNC_SAM_STACK"
"""Names the file of another local cloud than this folder's."""


class NoTarget(SyncSamError):
    """Nothing says where to work."""

    code = "no_target"
    owner = Owner.CALLER


class NotSignedIn(SyncSamError):
    """Nobody knows who gives a command that changes something."""

    code = "not_signed_in"
    owner = Owner.CALLER


class OnlyLocal(SyncSamError):
    """The local cloud alone can do this, and the command works on a project."""

    code = "only_local"
    owner = Owner.CALLER


@dataclass(frozen=True)
class CommandTarget:
    """A project and its database. ``stack`` describes the local cloud; None for a project of
    Google's. The manifest says what is deployed there."""

    project: str
    database_name: str = DEFAULT_DATABASE
    stack: Mapping[str, Any] | None = None
    manifest: Manifest = field(default_factory=Manifest.read)

    @property
    def name(self) -> str:
        """What people are asked about."""
        return "the local cloud" if self.stack else f"project {self.project}"

    @cached_property
    def actor(self) -> Actor:
        """Who gives the commands, as the audit log names them: the program, and in a project the
        account that is signed in, which emulators do not know. Raises NotSignedIn where that cannot
        be found out."""
        if self.stack or EMULATORS["firestore"] in os.environ:
            return Actor(PROGRAM)
        try:
            return Actor(f"{PROGRAM}:{signed_in()}")
        except NotAnswered as error:
            raise NotSignedIn(
                "Google does not say who is signed in, which the audit log is to name: sign in with"
                f" `gcloud auth application-default login` ({error})"
            ) from None

    @cached_property
    def store(self) -> Database:
        """Its Firestore."""
        return database(self.settings_of("dashboard", FunctionSettings))

    @cached_property
    def secrets(self) -> SecretResolver:
        """Reads the secrets that settings name, or hold: they are sent nowhere."""
        return self.settings_of("admin_api", SecretSettings).resolver(plain_text=True)

    def secret(self, variable: str) -> SecretStr:
        """A secret of the functions themselves. Raises ConfigurationInvalid for one that whoever
        runs this may not read."""
        declared = self.manifest.secrets[variable]
        name = f"projects/{self.project}/secrets/{declared.secret}/versions/{declared.version}"
        try:
            return SecretStr(read_secret(name))
        except LookupError as error:
            raise ConfigurationInvalid(f"secret {declared.secret}: {error}") from None

    def publisher(self, topic: str) -> Publisher:
        """A publisher to the topic of that short name."""
        return publisher(self.topic(topic))

    def topic(self, name: str) -> str:
        """The full name of a topic."""
        return f"projects/{self.project}/topics/{name}"

    def later(self, topic: str) -> LaterPublisher:
        """The same as ``publisher``, for messages that are published later."""
        from shared.bootstrap.later import LaterSettings, later

        return later(self.settings_of("manual_sync", LaterSettings), self.topic(topic))

    def settings_of(self, function: str, model: type[S]) -> S:
        """The settings of that form which a function is deployed with, without its secrets."""
        declared = self.manifest.functions[function]
        given: dict[str, Any] = {
            **self.manifest.environment(declared, self.project, self.database_name)
        }
        if not self.stack:
            given["PROVIDER_HOSTS"] = provider_hosts(self.project)
        if self.stack:
            given["PUBSUB_REST_URL"] = f"http://{self.stack['pubsub']}/v1"
        named = {name.lower(): value for name, value in given.items()}
        return model(**{name: named[name] for name in model.model_fields if name in named})

    @property
    def logs(self) -> Path:
        """The folder of the local cloud's logs. Raises OnlyLocal."""
        return ROOT / str(self.local["logs"])

    @property
    def origin(self) -> str:
        """The address of the one origin of all HTTP functions."""
        if self.stack:
            return str(self.stack["console"])
        return f"https://{self.project}.web.app"

    @property
    def local(self) -> Mapping[str, Any]:
        """What the local cloud says of itself. Raises OnlyLocal."""
        if self.stack is None:
            raise OnlyLocal("this works on the local cloud only: leave --project out")
        return self.stack


def find_target(project: str | None, database_name: str = DEFAULT_DATABASE) -> CommandTarget:
    """The project of that name, or without one the local cloud that is up. Raises NoTarget."""
    if project:
        return CommandTarget(project, database_name)
    stack = _running_stack(Path(os.environ.get(STACK_VARIABLE) or STACK_FILE))
    if stack is None:
        raise NoTarget(
            "no local cloud of this folder is up: start it with `make local`, or name a project"
            " with --project"
        )
    for name, variable in EMULATORS.items():
        if stack.get(name):
            os.environ[variable] = str(stack[name])
    manifest = Manifest.read().for_local_cloud()
    return CommandTarget(str(stack["project"]), stack=stack, manifest=manifest)


def provider_hosts(project: str, projects: Path = PROJECTS) -> str:
    """The hosts that orgs' settings may name in a project, as its functions are given them."""
    file = projects / f"{project}.tfvars.json"
    try:
        own = json.loads(file.read_text()).get("provider_hosts", {}) if file.is_file() else {}
        named = [f"{provider}={host}" for provider, hosts in own.items() for host in hosts]
    except (ValueError, AttributeError, TypeError):
        raise NoTarget(f"{within_clone(file)} is not readable") from None
    return ",".join(named)


def _running_stack(file: Path) -> Mapping[str, Any] | None:
    """What the file of the local cloud says; None where none is up. Raises NoTarget for a file
    that cannot be read."""
    try:
        text = file.read_text()
    except FileNotFoundError:
        return None
    try:
        stack: Mapping[str, Any] = json.loads(text)
        pid = int(stack["pid"])
    except (ValueError, KeyError, TypeError):
        raise NoTarget(f"{within_clone(file)} is not readable: start `make local` anew") from None
    return stack if Path(f"/proc/{pid}").exists() else None
