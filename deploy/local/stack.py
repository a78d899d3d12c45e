"""The local cloud as an object: everything started, wired and stopped together."""

import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deploy.hosting import Hosting, service_of
from deploy.local import emulators, functions, simulation, wiring
from deploy.local.clients import firestore_client
from deploy.local.deliverer import PENDING_SECONDS, Deliverer
from deploy.local.environment import Addresses, of_function
from deploy.local.eventarc import Eventarc
from deploy.local.front_door import FrontDoor
from deploy.local.identity import people
from deploy.local.identity.people import LocalPerson
from deploy.local.identity.server import IdentityService
from deploy.local.journal import Journal
from deploy.local.kms import KeyManager, key_in
from deploy.local.paths import FUNCTIONS, KEY_FILE, LOGS, ROOT, SECRETS, within_clone
from deploy.local.ports import Port
from deploy.local.processes import Process
from deploy.local.pubsub import PubSub
from deploy.local.relay import Relay
from deploy.local.secret_manager import SecretManager
from deploy.local.seed import seed
from deploy.local.supervisor import Supervisor
from deploy.local.tasks.server import CloudTasks
from deploy.manifest import Function, Manifest

CRON_SECRET = "CRON_SECRET"
WEBHOOK_SECRET = "ALLEAVES_WEBHOOK_SECRET"
AUTH_EMULATOR = "FIREBASE_AUTH_EMULATOR_HOST"
"""Names Google's own emulator, where that is to be used instead of the local service."""


class Stack:
    """A local cloud. A context manager: it is ready inside, and gone without a trace after.

    ``only``: the functions to run (default: all of the manifest); those without a folder in
    ``sources`` are left out. ``root``: where their processes run and import from, which may be an
    unpacked deployment. ``simulator``: whether the simulated POS systems run and their orgs are
    seeded; ``simulator_arguments`` are those of the command line. ``extra_env``: further variables
    by function. ``instances``: how many of each function its process stands for. A delivery that
    finds them all busy waits ``pending_seconds``, then has failed. ``secret_files``: the folder of
    the secrets that settings name (secret_manager.py), ``key_file`` what they are sealed with.
    ``identity``: whether people's sessions are those of an emulator; without it firebase-admin asks
    Google. For quick retries give ``Manifest.read().with_policy(min_backoff_seconds=1, …)``.

    Entering raises StartFailed with the end of the log concerned, or sdk.NotInstalled.
    """

    people: list[LocalPerson]
    """Who can sign in."""
    firestore: str  # these three as 127.0.0.1:PORT
    pubsub: str
    tasks: str
    auth: str | None  # 127.0.0.1:PORT of the identity service
    simulator: str | None  # URL of Alleaves
    lightspeed: str | None  # URL of X-Series
    console: str  # URL of the one origin of all HTTP functions

    def __init__(
        self,
        manifest: Manifest | None = None,
        *,
        only: Sequence[str] | None = None,
        sources: Path = FUNCTIONS,
        root: Path = ROOT,
        simulator: bool = True,
        simulator_arguments: Sequence[str] = (),
        extra_env: Mapping[str, Mapping[str, str]] | None = None,
        instances: int = 1,
        pending_seconds: float = PENDING_SECONDS,
        logs: Path = LOGS,
        secret_files: Path = SECRETS,
        key_file: Path = KEY_FILE,
        identity: bool = True,
    ) -> None:
        self.manifest = manifest or Manifest.read().for_local_cloud()
        self.project = f"demo-{secrets.token_hex(4)}"
        self.logs = logs
        self.secret_files = secret_files
        self._key_file = key_file
        given = {name: secret.local for name, secret in self.manifest.secrets.items()}
        self.secrets = {
            name: os.environ.get(name) or (secrets.token_urlsafe(24) if local is None else local)
            for name, local in {CRON_SECRET: None, **given}.items()
        }
        self.simulator = self.lightspeed = None
        self.auth = os.environ.get(AUTH_EMULATOR) or None
        self.people = []
        self._identity = identity
        self._functions = _present(self.manifest, only, sources)
        self._sources = sources
        self._root = root
        self._simulator_arguments = simulator_arguments if simulator else None
        self._extra_env = extra_env or {}
        self._instances = instances
        self._pending_seconds = pending_seconds
        self._supervisor = Supervisor(logs)
        self._processes: dict[str, Process] = {}
        self._ports: dict[str, Port] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self._start(opening)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    @property
    def functions(self) -> dict[str, str]:
        """The URL of each function that runs."""
        return {each.name: f"http://{self._ports[each.name].host}" for each in self._functions}

    @property
    def pids(self) -> dict[str, int]:
        """Of the running processes by name; ``guardian`` is the one that cleans up."""
        return self._supervisor.pids

    @property
    def failure(self) -> str | None:
        """Why the stack can work no longer (an emulator or the simulator has ended), or None."""
        return self._supervisor.failure

    def publish(
        self, topic: str, message: object, attributes: Mapping[str, str] | None = None
    ) -> str:
        """Publish a JSON message to a topic of the manifest; returns the message's id."""
        return self._messages.publish(topic, message, attributes)

    def kill(self, function: str) -> None:
        """End a function's process as a crash would; it is started again soon after."""
        self._processes[function].kill()

    def restart(self, function: str) -> None:
        """Stop a function's process, start it and wait until it serves."""
        self._processes[function].restart()
        functions.wait(self._processes[function], self._ports[function])

    def description(self) -> dict[str, Any]:
        """What ``.local/stack.json`` holds."""
        return {
            "ready": True,
            "pid": os.getpid(),
            "project": self.project,
            "firestore": self.firestore,
            "pubsub": self.pubsub,
            "tasks": self.tasks,
            "secretManager": self._secret_manager,
            "kms": self._kms,
            "simulator": self.simulator,
            "lightspeed": self.lightspeed,
            "functions": self.functions,
            "cronSecret": self.secrets[CRON_SECRET],
            "webhookSecret": self.secrets.get(WEBHOOK_SECRET, ""),
            "logs": within_clone(self.logs),
            "console": self.console,
            "auth": self.auth,
            "people": [each.described() for each in self.people],
        }

    def _start(self, opening: ExitStack) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        names = ("firestore", "pubsub", *(each.name for each in self._functions))
        self._ports = {name: opening.enter_context(closing(Port())) for name in names}
        firestore, pubsub = self._ports["firestore"], self._ports["pubsub"]
        self.firestore, self.pubsub = firestore.host, pubsub.host
        self._messages = opening.enter_context(closing(PubSub(self.pubsub, self.project)))
        eventarc = opening.enter_context(closing(self._eventarc(opening)))
        tasks = opening.enter_context(closing(self._cloud_tasks(opening)))
        self.tasks = tasks.host
        if not self._identity:
            self.auth = None
        elif self.auth is None:
            self.auth = opening.enter_context(closing(IdentityService(self.project))).host
        secrets = opening.enter_context(closing(SecretManager.of_folder(self.secret_files)))
        self._secret_manager = secrets.host
        self._kms = opening.enter_context(closing(KeyManager(key_in(self._key_file)))).host
        # Last in, first out: nothing is sent to a server that is gone.
        supervisor = opening.enter_context(self._supervisor)
        # The functions come up while the emulators do: they call nobody before they are called.
        for function in self._functions:
            self._start_function(function)
        self.console = opening.enter_context(closing(self._front_door())).url
        emulators.start(supervisor, firestore, pubsub, eventarc.host)
        if self._simulator_arguments is not None:
            found = simulation.start(supervisor, self._simulator_arguments)
            self.simulator, self.lightspeed = found
        for name, process in self._processes.items():
            functions.wait(process, self._ports[name])
        self._connect(opening.enter_context(closing(self._deliverer(opening))), tasks)
        supervisor.watch()

    def _front_door(self) -> FrontDoor:
        http = [each.name for each in self._functions if each.trigger == "http"]
        return FrontDoor(Hosting.read(), {service_of(name): self.functions[name] for name in http})

    def _eventarc(self, opening: ExitStack) -> Eventarc:
        journal = opening.enter_context(closing(Journal(self.logs / "eventarc.log")))
        relay = opening.enter_context(closing(Relay(self._messages, journal)))
        return Eventarc(relay)

    def _deliverer(self, opening: ExitStack) -> Deliverer:
        journal = opening.enter_context(closing(Journal(self.logs / "deliveries.log")))
        return Deliverer(self._messages, journal, self._pending_seconds)

    def _cloud_tasks(self, opening: ExitStack) -> CloudTasks:
        journal = opening.enter_context(closing(Journal(self.logs / "tasks.log")))
        return CloudTasks(journal)

    def _start_function(self, function: Function) -> None:
        addresses = Addresses(
            self.project,
            self.firestore,
            self.pubsub,
            self.tasks,
            self._secret_manager,
            self._kms,
            self.auth or "",
        )
        env = {
            **of_function(function, self.manifest, addresses, self.secrets, self._instances),
            **self._extra_env.get(function.name, {}),
        }
        source, port = self._sources / function.name / "main.py", self._ports[function.name]
        process = functions.start(self._supervisor, function, source, port, env, self._root)
        self._processes[function.name] = process

    def _connect(self, deliverer: Deliverer, tasks: CloudTasks) -> None:
        wiring.create_queues(self.manifest, self.project, tasks)
        wiring.create_topics(self.manifest, self._messages)
        wiring.subscribe(
            self._functions, self.functions, self._messages, deliverer, self._instances
        )
        wiring.register_triggers(self._functions, self.project, self.firestore)
        org_ids: list[str] = []
        if self.simulator and self.lightspeed:
            with closing(firestore_client(self.firestore, self.project)) as client:
                org_ids = seed(client, self.simulator, self.lightspeed)
        if self.auth:
            password = secrets.token_hex(4)
            self.people = [*people.of_every_org(password), *people.of_orgs(org_ids, password)]
            people.create(self.auth, self.project, self.people)


def _present(manifest: Manifest, only: Sequence[str] | None, sources: Path) -> list[Function]:
    wanted = manifest.functions if only is None else only
    return [manifest.functions[name] for name in wanted if (sources / name / "main.py").is_file()]
