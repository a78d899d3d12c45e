"""``make demo``."""

import json
import signal
import sys
from contextlib import closing
from typing import Any

from rich.console import Console

from deploy.local import parent_watch
from deploy.local.clients import firestore_client
from deploy.local.demo import tables
from deploy.local.demo.story import Story
from deploy.local.demo.view import NotAsClaimed, View
from deploy.local.paths import LOGS, STATE
from deploy.local.processes import StartFailed
from deploy.local.sdk import NotInstalled
from deploy.local.simulation import Simulators
from deploy.local.stack import Stack

REPORT = STATE / "demo-report.json"

console = Console(highlight=False)


def main() -> int:
    """0 when all that the demo claims was checked and holds."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parent_watch.watch()
    STATE.mkdir(exist_ok=True)
    report: dict[str, Any] = {"ok": False}
    try:
        _play(report)
        report["ok"] = True
        console.print(tables.conclusion(REPORT))
    except (NotAsClaimed, StartFailed, NotInstalled) as error:
        report["error"] = str(error)
        console.print(f"[bold red]Not as claimed:[/] {error}\nThe logs are in {LOGS}.")
    except KeyboardInterrupt:
        report["error"] = "interrupted"
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    return 0 if report["ok"] else 1


def _play(report: dict[str, Any]) -> None:
    console.print(tables.prologue())
    with Stack() as stack, closing(firestore_client(stack.firestore, stack.project)) as client:
        assert stack.simulator is not None
        assert stack.lightspeed is not None
        story = Story(stack, View(client, Simulators(stack.simulator, stack.lightspeed)))
        console.print(tables.scene("A scheduler's tick: every dispensary is synced from its POS."))
        report["orgs"] = story.first_sync()
        console.print(tables.orgs(report["orgs"]))
        console.print(tables.scene("Another tick. Nothing has changed at any POS."))
        report["secondSync"] = story.second_sync()
        console.print(tables.second_sync(report["secondSync"]))
        console.print(tables.scene("One order changes at a POS, and a tick follows."))
        report["orderChange"] = story.change_an_order()
        console.print(tables.order_change(report["orderChange"]))
        console.print(tables.scene("The export of an eCom shop is imported."))
        report["ecomImport"] = story.import_ecom_orders()
        console.print(tables.ecom_import(report["ecomImport"]))
        console.print(tables.scene("eCom orders reach the POS late, and a tick follows."))
        report["lateOrders"] = story.let_ecom_orders_arrive()
        console.print(tables.late_orders(report["lateOrders"]))


if __name__ == "__main__":
    sys.exit(main())
