"""What the local cloud's processes find in their environment.

Little of the developer's own is passed on: no stray credential or setting may change what a
function does.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.guardian import MARKER_VARIABLE
from deploy.manifest import Function, Manifest

PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "JAVA_HOME"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"),
    *("ALLEAVES_USERNAME", "ALLEAVES_PASSWORD", "ALLEAVES_PIN"),
)
LOCAL_KEY = "local"
"""What an emulator takes for a web API key."""
LOOPBACK = "127.0.0.1,localhost"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services of one stack are; the last three are empty where there are none."""

    project: str
    firestore: str
    pubsub: str
    tasks: str
    secret_manager: str = ""
    kms: str = ""
    auth: str = ""


def common(marker: str, scratch: Path) -> dict[str, str]:
    """For every process. ``scratch`` is for what it writes beside its log."""
    passed_on = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    proxied = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
    no_proxy = ",".join(filter(None, (proxied, LOOPBACK)))
    return {
        **passed_on,
        "no_proxy": no_proxy,
        "NO_PROXY": no_proxy,
        "TMPDIR": str(scratch),
        "PYTHONUNBUFFERED": "1",
        MARKER_VARIABLE: marker,
    }


def of_function(
    function: Function,
    manifest: Manifest,
    addresses: Addresses,
    secrets: Mapping[str, str],
    instances: int = 1,
) -> dict[str, str]:
    """What the deployment gives the function, and the addresses of the emulators."""
    declared = manifest.environment(function, addresses.project, firebase_api_key=LOCAL_KEY)
    if "PUBSUB_REST_URL" in declared:
        declared["PUBSUB_REST_URL"] = f"http://{addresses.pubsub}/v1"
    if "MEMORY_MB" in declared:
        declared["MEMORY_MB"] = str(function.memory_mb * min(instances, function.max_instances))
    auth = {"FIREBASE_AUTH_EMULATOR_HOST": addresses.auth} if addresses.auth else {}
    return {
        **declared,
        **auth,
        **{name: secrets[name] for name in function.secrets},
        "FIRESTORE_EMULATOR_HOST": addresses.firestore,
        "PUBSUB_EMULATOR_HOST": addresses.pubsub,
        "CLOUD_TASKS_EMULATOR_HOST": addresses.tasks,
        "SECRET_MANAGER_EMULATOR_HOST": addresses.secret_manager,
        "KMS_EMULATOR_HOST": addresses.kms,
        "PYTHONPATH": ".",
        "THREADS": str(slots(function, instances)),
    }


def slots(function: Function, instances: int) -> int:
    """How many requests the function's process works on at once: it stands for so many instances,
    or for as many as the function may have."""
    return function.concurrency * min(instances, function.max_instances)
