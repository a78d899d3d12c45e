"""The menu of the large org over HTTP: kept by the instance, confirmed by ETag, and read anew."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from rich.console import Console

from shared.domain.public_menu import MenuFilter
from shared.services.reads.menu import KEPT_SECONDS, PublicMenu
from shared.store import paths
from shared.store.database import Database
from tests.bench.cloud import ENDED, Cloud, NotDone
from tests.bench.latency import latency
from tests.bench.registry import Figures
from tests.bench.tables import milliseconds, table

TITLE = "The menu, 374 products"

ACCOUNT, ORG = "org_large", "org_menu"
PRODUCTS = 374
CALLS = 300
TIMEOUT_SECONDS = 10.0
STREAMS = ["products", "discounts"]
ALLOWED = {"GET /api/menu, all products": "50 ms", "GET /api/menu, ETag still right": "10 ms"}


def run(console: Console, *, quick: bool) -> Figures:
    """See registry.Bench."""
    calls = 20 if quick else CALLS
    with Cloud("org_sync", "dashboard") as cloud, requests.Session() as session:
        cloud.connect(ACCOUNT, ORG)
        _sync_products(cloud)
        url = f"{cloud.stack.functions['dashboard']}/api/menu"
        everything = {"orgId": ORG, "limit": "500"}
        etag = _whole(session.get(url, params=everything, timeout=TIMEOUT_SECONDS))
        known = {"If-None-Match": etag}
        database = Database(cloud.client)
        answers = {
            "GET /api/menu, all products": latency(
                lambda: _ok(session.get(url, params=everything, timeout=TIMEOUT_SECONDS), 200),
                calls,
            ),
            "GET /api/menu, ETag still right": latency(
                lambda: _ok(
                    session.get(url, params=everything, headers=known, timeout=TIMEOUT_SECONDS),
                    304,
                ),
                calls,
            ),
            "GET /api/menu/builder": latency(
                lambda: _ok(
                    session.get(f"{url}/builder", params={"orgId": ORG}, timeout=TIMEOUT_SECONDS),
                    200,
                ),
                calls,
            ),
        }
        against = {
            "read anew, once in five minutes": latency(_anew(database), max(5, calls // 10)),
            "read and rendered for every answer": latency(
                lambda: list(database.query(paths.menu_items(ORG))), max(5, calls // 10)
            ),
        }
    console.print(_table("Answers", answers), _table("Against", against))
    return {"milliseconds": {**answers, "baselines": against}}


def _sync_products(cloud: Cloud) -> None:
    message = {"orgId": ORG, "runId": "first", "trigger": "cron", "streams": STREAMS}
    cloud.stack.publish("pos-sync", message)
    run = paths.sync_run(ORG, "first")
    cloud.wait("the products are in", lambda: cloud.document(run).get("state") in ENDED, 120)


def _whole(reply: requests.Response) -> str:
    found = len(_ok(reply, 200).json()["items"])
    if found != PRODUCTS:
        raise NotDone(f"the menu shows {found} products instead of {PRODUCTS}")
    return reply.headers["ETag"]


def _ok(reply: requests.Response, status: int) -> requests.Response:
    if reply.status_code != status:
        raise NotDone(f"the menu answered {reply.status_code} instead of {status}")
    return reply


def _anew(database: Database) -> Callable[[], object]:
    """A look at the menu for which the instance has kept nothing."""
    passed = [0.0]
    begun = datetime.now(UTC)
    menu = PublicMenu(database, lambda: begun + timedelta(seconds=passed[0]), lambda: passed[0])

    def look() -> object:
        passed[0] += KEPT_SECONDS + 1
        return menu.page(ORG, MenuFilter(), cursor=None, limit=500)

    return look


def _table(title: str, figures: Mapping[str, Mapping[str, float]]) -> Any:
    rows = [
        (name, milliseconds(each["p50"]), milliseconds(each["p95"]), ALLOWED.get(name, ""))
        for name, each in figures.items()
    ]
    return table(title, ("p50", "p95", "allowed"), rows)
