"""An operator imports the export of an eCom shop, in a process that may be killed."""

import importlib
import io
import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from zoneinfo import ZoneInfo

from shared.errors import LeaseLost
from tests.campaign.exchange import exchange
from tests.campaign.firestore_weather import is_to_blame
from tests.campaign.process_fault import CommitHook, ProcessFault
from tests.campaign.scale import Scale
from tests.campaign.worker import PRELOADED

DONE, UNDER_WAY, FIRESTORE_FAILED, FAILED = "done", "under way", "failed with Firestore", "failed"
KILLED, LEASE_LOST = "killed", "lease lost"
LONGEST_SECONDS = 60.0
LEASE_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be imported, and where: the ``text`` of the file, its times in ``zone``."""

    org_id: str
    text: str
    zone: str
    project: str
    environment: Mapping[str, str]
    log: Path
    later: timedelta
    scale: Scale | None
    process_fault: ProcessFault | None


class EcomImporter:
    """An import under way."""

    def __init__(self, export: Export) -> None:
        context = get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        self._said, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_serve, args=(export, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def outcome(self) -> str:
        """How it ended: DONE, UNDER_WAY (another one is), LEASE_LOST, FIRESTORE_FAILED, FAILED or
        KILLED. Waits for it, LONGEST_SECONDS at most."""
        try:
            found = str(self._said.recv()) if self._said.poll(LONGEST_SECONDS) else FAILED
        except (EOFError, OSError):
            found = KILLED
        self._said.close()
        self._process.kill()
        self._process.join()
        return found


def _serve(export: Export, say: Connection) -> None:
    log = os.open(export.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.update(export.environment)
    if export.scale:
        export.scale.apply()
    CommitHook().arm(export.process_fault)
    try:
        say.send(_import(export))
    finally:
        os._exit(0)


def _import(export: Export) -> str:
    # Google's clients find the emulators by the environment, which is set by now.
    clients = importlib.import_module("shared.bootstrap.clients")
    publishing = importlib.import_module("shared.bootstrap.publishing")
    settings = importlib.import_module("shared.bootstrap.settings")
    exports = importlib.import_module("shared.pos.lightspeed.ecom_export")
    importing = importlib.import_module("shared.services.ecom.importing")
    clock = importlib.import_module("shared.clock")
    if export.scale:
        exchange(importing, "LEASE_TTL", timedelta(seconds=LEASE_SECONDS))
    bad_rows: list[object] = []
    try:
        given = settings.FunctionSettings(google_cloud_project=export.project)
        topic = f"projects/{export.project}/topics/spending"

        def now() -> object:
            return clock.utc_now() + export.later

        context = exports.ExportContext(
            lambda: io.StringIO(export.text, newline=""), ZoneInfo(export.zone), "main", now()
        )
        run = importing.EcomImport(clients.database(given), publishing.publisher(topic), now)
        run(export.org_id, exports.read_export(context), bad_rows.append)
    except importing.ImportUnderWay:
        return UNDER_WAY
    except LeaseLost:
        return LEASE_LOST
    except BaseException as error:
        traceback.print_exc()
        return FIRESTORE_FAILED if is_to_blame(error) else FAILED
    return FAILED if bad_rows else DONE
