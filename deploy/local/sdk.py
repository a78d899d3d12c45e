"""Finds Java and Google's emulators. As a program: exits 1 and names what is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FIRESTORE_JAR = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
PUBSUB_JARS = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"
PLACES = (
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/usr/local/google-cloud-sdk",
    "/usr/local/share/google-cloud-sdk",
    "/snap/google-cloud-cli/current",
    "~/google-cloud-sdk",
)
GCLOUD_TIMEOUT_SECONDS = 60


class NotInstalled(Exception):
    """Java or an emulator is missing. The message names what, in the words of setup.sh."""


@dataclass(frozen=True, slots=True)
class Sdk:
    """What the emulators are started with."""

    java: Path
    firestore_jar: Path
    pubsub_jar: Path


def find() -> Sdk:
    """Where everything is. Raises NotInstalled."""
    java, firestore, pubsub = _java(), _firestore(), _pubsub()
    if java and firestore and pubsub:
        return Sdk(java, firestore, pubsub)
    parts = {"java": java, "cloud-firestore-emulator": firestore, "pubsub-emulator": pubsub}
    raise NotInstalled(" ".join(name for name, path in parts.items() if path is None))


def _java() -> Path | None:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else None
    found = found or shutil.which("java")
    return Path(found) if found else None


def _firestore() -> Path | None:
    return next((jar for root in _roots() if (jar := root / FIRESTORE_JAR).is_file()), None)


def _pubsub() -> Path | None:
    return next((jar for root in _roots() for jar in sorted(root.glob(PUBSUB_JARS))), None)


def _roots() -> Iterator[Path]:
    """Where an SDK may be, likeliest first. gcloud itself is asked last: it takes seconds."""
    if named := os.environ.get("CLOUDSDK_ROOT_DIR"):
        yield Path(named)
    gcloud = shutil.which("gcloud")
    if gcloud:
        yield Path(gcloud).resolve().parents[1]
    yield from (Path(place).expanduser() for place in PLACES)
    if gcloud:
        told = subprocess.run(
            [gcloud, "info", "--format=value(installation.sdk_root)"],
            capture_output=True,
            text=True,
            check=False,
            timeout=GCLOUD_TIMEOUT_SECONDS,
        )
        if told.stdout.strip():
            yield Path(told.stdout.strip())


if __name__ == "__main__":
    try:
        find()
    except NotInstalled as missing:
        print(missing)
        sys.exit(1)
