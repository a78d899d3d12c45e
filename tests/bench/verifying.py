"""One verification in a process of its own, so that its memory is its own:
``python -m tests.bench.verifying HOST PROJECT ORG``. Prints its figures as JSON."""

import json
import resource
import sys
import time
from contextlib import closing

from deploy.local.clients import firestore_client
from shared import log
from shared.bootstrap.pos import PosSettings
from shared.clock import utc_now
from shared.outbound.credentials import TokenCache
from shared.outbound.session import HttpSession
from shared.pos import registry
from shared.pos.config import Location
from shared.pos.paging import PageSettings
from shared.pos.port import PosClient
from shared.services.verification.verify import Verify
from shared.store.database import Database

SECONDS = 600.0


def main(host: str, project: str, org_id: str) -> None:
    log.configure("ERROR")
    http, tokens = HttpSession(), TokenCache(utc_now)
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
        "peakMib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
