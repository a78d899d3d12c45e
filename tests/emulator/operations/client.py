"""What operators and the staff of an org read about its sync, behind werkzeug's own test client."""

from collections.abc import Mapping
from typing import Any

from flask import Request
from werkzeug.test import Client

from shared.errors import Unauthenticated
from shared.services.reads.operations import (
    DeadLetterReads,
    IncidentReads,
    QuarantineReads,
    RemovalReads,
)
from shared.services.reads.org_status import OrgStatusReads, lease_version
from shared.services.reads.orgs import OrgReads, fleet_version
from shared.services.reads.response_cache import ResponseCache
from shared.services.reads.run_history import RunHistory
from shared.services.reads.settings import SettingsReads
from shared.store.database import Database
from shared.web.auth import EveryOrg, Staff
from shared.web.routes import (
    dead_letters,
    incidents,
    orgs,
    quarantine,
    removals,
    run_history,
    settings,
)
from shared.web.routing import App
from tests.fakes import OffsetClock

OPERATOR = "operator"


class TokensOfRoles:
    """OPERATOR is the token of a person with a role for every org, any other that of an
    administrator of the org that it spells."""

    def of_cookie(self, cookie: str) -> Mapping[str, Any]:
        raise Unauthenticated("no cookies here")

    def of_token(self, token: str) -> Mapping[str, Any]:
        if token == OPERATOR:
            return {"uid": "operator", "role": "super_user"}
        return {"uid": "admin", "role": "dispensary_admin", "orgId": token}


class OperationsClient:
    """Calls an instance of ``dashboard``. ``database`` counts what its reads cost."""

    def __init__(self, database: Database, clock: OffsetClock) -> None:
        self.database = database = database.metered()
        every_org = EveryOrg(staff := Staff(TokensOfRoles(), lambda wanted: wanted))

        def cache(version_of: Any) -> ResponseCache:
            return ResponseCache(database, clock.monotonic, version_of)

        history = RunHistory(database)
        app = App(
            "dashboard",
            (
                *orgs.routes(
                    OrgReads(database, clock.now, cache(fleet_version)),
                    OrgStatusReads(database, clock.now, cache(lease_version)),
                    staff,
                    every_org,
                ),
                *run_history.run_routes(history, staff),
                *run_history.report_routes(history, staff),
                *quarantine.routes(QuarantineReads(database), staff),
                *removals.routes(RemovalReads(database), cache(lease_version), staff),
                *incidents.routes(IncidentReads(database), staff),
                *dead_letters.routes(DeadLetterReads(database), every_org),
                *settings.routes(SettingsReads(database), staff),
            ),
        )
        self._client = Client(Request.application(app))  # type: ignore[arg-type]

    def reply(
        self, path: str, *, token: str = OPERATOR, etag: str | None = None, **query: Any
    ) -> Any:
        """Whatever is answered."""
        headers = {"Authorization": f"Bearer {token}"}
        if etag is not None:
            headers["If-None-Match"] = etag
        return self._client.get(f"/api/{path}", query_string=query, headers=headers)

    def get(self, path: str, **query: Any) -> Any:
        """The answer, which must be one."""
        reply = self.reply(path, **query)
        assert reply.status_code == 200, reply.text
        return reply.json

    def pages(self, path: str, name: str, **query: Any) -> list[list[dict[str, Any]]]:
        """The items of each page of a list; ``name`` is the field that holds them."""
        page = self.get(path, **query)
        found = [page[name]]
        while cursor := page.get("nextCursor"):
            page = self.get(path, cursor=cursor, **query)
            found.append(page[name])
        return found

    def all_of(self, path: str, name: str, **query: Any) -> list[dict[str, Any]]:
        """Every item of a list."""
        return [item for page in self.pages(path, name, **query) for item in page]

    def cost_of(self, path: str, **query: Any) -> int:
        """Documents read for an answer."""
        before = self.database.meter.reads
        self.get(path, **query)
        return self.database.meter.reads - before
