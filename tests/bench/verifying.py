"""One verification in a process of its own, so that its memory is its own:
``python -m tests.bench.verifying HOST PROJECT ORG``. Prints its figures as JSON."""

import json
import sys
import time
from contextlib import closing
from pathlib import Path

from deploy.local.clients import firestore_client
from shared import log
from shared.bootstrap.pos import PosSettings
from shared.clock import utc_now
from shared.outbound.credentials import TokenCache
from shared.outbound.destinations import Destinations
from shared.outbound.session import HttpSession
from shared.pos import registry
from shared.pos.config import Location
from shared.pos.paging import PageSettings
from shared.pos.port import PosClient
from shared.services.verification.verify import Verify
from shared.store.database import Database

SECONDS = 600.0


def _peak_kib() -> int:
    """The most that this process has had in memory: getrusage begins with its parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main(host: str, project: str, org_id: str) -> None:
    log.configure("ERROR")
    http, tokens = HttpSession(destinations=Destinations(loopback=True)), TokenCache(utc_now)
    paging = PageSettings(in_flight=int(PosSettings.model_fields["pos_concurrency"].default))

    def open_pos(location: Location) -> PosClient:
        return registry.open_account(location, http, tokens, utc_now, paging).client

    with closing(firestore_client(host, project)) as client:
        database = Database(client)
        started = time.monotonic()
        found = Verify(database, open_pos, utc_now, SECONDS)(org_id)
        seconds = time.monotonic() - started
    figures = {
        "seconds": round(seconds, 2),
        "differences": len(found.differences),
        "customers": found.customers.at_pos,
        "orders": found.orders.at_pos,
        "reads": database.meter.reads,
        "cpuSeconds": round(time.process_time(), 2),
        "peakMib": round(_peak_kib() / 1024, 1),
    }
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
