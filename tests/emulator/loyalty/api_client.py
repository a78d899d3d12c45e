"""The loyalty routes, behind werkzeug's own test client."""

from dataclasses import dataclass
from typing import Any, ClassVar

from flask import Request
from werkzeug.test import Client

from shared.clock import utc_now
from shared.services.loyalty.on_demand import AskForLoyalty, LookUpPoints
from shared.services.reads.loyalty import LoyaltyReads
from shared.store.database import Database
from shared.web.auth import Caller, OrgRule, SignedInUser
from shared.web.request import RoutedRequest
from shared.web.routes import loyalty, loyalty_reads
from shared.web.routing import App
from tests.emulator.loyalty.runner import LoyaltyRunner
from tests.fakes import RecordingPublisher

ORG = "org_test"


@dataclass(frozen=True)
class AnyoneWithRole(OrgRule):
    """Lets every caller in, as a person of a given role."""

    role: str

    name: ClassVar[str] = "anyone"

    def identify(self, routed: RoutedRequest) -> Caller:
        return SignedInUser("u1", frozenset({self.role}), (ORG,))

    def admit(self, caller: Caller, org_id: str | None) -> str:
        return org_id or ORG


class LoyaltyApiClient:
    """An instance of ``loyalty_api``, and the messages it publishes."""

    def __init__(
        self, database: Database, runner: LoyaltyRunner, role: str = "dispensary_admin"
    ) -> None:
        self.published = RecordingPublisher()
        points = LookUpPoints(database, runner.open_provider, utc_now)
        anyone = AnyoneWithRole(role)
        routes = (
            *loyalty.routes(AskForLoyalty(database, self.published, utc_now), points, anyone),
            *loyalty_reads.routes(LoyaltyReads(database), anyone),
        )
        self.client = Client(Request.application(App("loyalty_api", routes)))  # type: ignore[arg-type]

    def get(self, path: str, **query: str) -> Any:
        """The answer, which must be one."""
        reply = self.client.get(f"/api/loyalty/{path}", query_string={"orgId": ORG, **query})
        assert reply.status_code == 200, reply.text
        return reply.json

    def post(self, **body: object) -> tuple[int, Any]:
        """Ask for a run; status and answer."""
        reply = self.client.post("/api/loyalty/sync", json=body)
        return reply.status_code, reply.json
