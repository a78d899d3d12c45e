"""Google's Firestore and Pub/Sub emulators, started directly: `gcloud emulators` takes seconds
longer and leaves a child behind when it is killed."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import requests

from deploy.local.ports import Port
from deploy.local.processes import Process
from deploy.local.sdk import Sdk, find
from deploy.local.supervisor import Supervisor

# At most: 94,000 documents take 2.3 GiB.
FIRESTORE_HEAP = "6g"
PUBSUB_HEAP = "2g"

READY_SECONDS = 60.0
PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Emulators:
    """Where the emulators are, as ``127.0.0.1:PORT``."""

    firestore: str
    pubsub: str


@contextmanager
def running(logs: Path) -> Iterator[Emulators]:
    """Both emulators alone, without functions; gone afterwards. Raises what Stack raises."""
    with Supervisor(logs) as supervisor, closing(Port()) as firestore, closing(Port()) as pubsub:
        start(supervisor, firestore, pubsub, triggers=None)
        yield Emulators(firestore.host, pubsub.host)


def start(supervisor: Supervisor, firestore: Port, pubsub: Port, triggers: str | None) -> None:
    """Start both on these ports and wait until they answer. ``triggers`` is the host:port that
    hears of changed documents. Raises StartFailed and sdk.NotInstalled."""
    found = find()
    processes = (
        (_firestore(found, firestore, triggers, supervisor), firestore),
        (_pubsub(found, pubsub, supervisor), pubsub),
    )
    for process, _ in processes:
        supervisor.start(process)
    for process, port in processes:
        process.wait_until(partial(_answers, port), READY_SECONDS)


def _firestore(sdk: Sdk, port: Port, triggers: str | None, supervisor: Supervisor) -> Process:
    options = ("-cp", str(sdk.firestore_jar))
    main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
    address = ("--host=127.0.0.1", f"--port={port.number}")
    hears = (f"--functions_emulator={triggers}",) if triggers else ()
    java = _java(sdk, supervisor.scratch, FIRESTORE_HEAP)
    argv = (*java, *options, main, "start", *address, *hears)
    return Process("firestore", argv, supervisor.env, supervisor.logs / "firestore.log")


def _pubsub(sdk: Sdk, port: Port, supervisor: Supervisor) -> Process:
    options = ("-jar", str(sdk.pubsub_jar), "--host=127.0.0.1", f"--port={port.number}")
    argv = (*_java(sdk, supervisor.scratch, PUBSUB_HEAP), *options)
    return Process("pubsub", argv, supervisor.env, supervisor.logs / "pubsub.log")


def _answers(port: Port) -> bool:
    try:
        return requests.get(f"http://{port.host}/", timeout=PROBE_SECONDS).ok
    except requests.RequestException:
        return False


def _java(sdk: Sdk, scratch: Path, heap: str) -> tuple[str, ...]:
    # On two cores the collector that runs aside takes a sixth of the time from everything else.
    # Without the last two Java leaves files in /tmp when it is killed.
    options = ("-XX:+UseSerialGC", f"-Xmx{heap}", "-XX:-UsePerfData")
    return (str(sdk.java), *options, f"-Djava.io.tmpdir={scratch}")
