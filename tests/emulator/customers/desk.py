"""The dashboard's reads of a shop, as somebody who works there sees them."""

from collections.abc import Mapping
from typing import Any

from flask import Request
from werkzeug.test import Client

from shared.errors import Unauthenticated
from shared.services.reads.customers import CustomerReads, OrderReads, SegmentReads
from shared.services.reads.response_cache import ResponseCache
from shared.services.spending.look_up import SpendingLookUp
from shared.store.database import Database
from shared.web.auth import Staff
from shared.web.routes import customers, orders
from shared.web.routing import App


class Sessions:
    """A token is the one org that its bearer works for."""

    def of_cookie(self, cookie: str) -> Mapping[str, Any]:
        raise Unauthenticated("no cookies here")

    def of_token(self, token: str) -> Mapping[str, Any]:
        return {"uid": "somebody", "role": "dispensary_admin", "orgId": token}


class Desk:
    """An instance of ``dashboard``. ``now`` is its clock for keeping answers, in seconds."""

    def __init__(self, database: Database, org_id: str) -> None:
        self.now = 1000.0
        self.database = database
        self._org_id = org_id
        answers = ResponseCache(database, monotonic=lambda: self.now)
        people = CustomerReads(database, SpendingLookUp(database))
        staff = Staff(Sessions(), lambda wanted: wanted)
        app = App(
            "dashboard",
            (
                *customers.routes(people, SegmentReads(database), answers, staff),
                *orders.routes(OrderReads(database), people, answers, staff),
            ),
        )
        self._client = Client(Request.application(app))  # type: ignore[arg-type]

    def reply(self, path: str, **query: object) -> Any:
        """``token``: the org that the caller works for, if it is another one."""
        headers = {"Authorization": f"Bearer {query.pop('token', self._org_id)}"}
        query = {"orgId": self._org_id, **query}
        return self._client.get(f"/api/{path}", query_string=query, headers=headers)

    def get(self, path: str, **query: object) -> Any:
        """The answer, which must be one."""
        reply = self.reply(path, **query)
        assert reply.status_code == 200, reply.text
        return reply.json

    def all_of(self, path: str, **query: object) -> list[dict[str, Any]]:
        """Every item of a list, page by page."""
        page = self.get(path, **query)
        items: list[dict[str, Any]] = page["items"]
        while cursor := page.get("nextCursor"):
            page = self.get(path, cursor=cursor, **query)
            items += page["items"]
        return items


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]
