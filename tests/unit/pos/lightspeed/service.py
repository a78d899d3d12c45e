"""A little X-Series behind the fake transport, and a client of it."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from shared.outbound.credentials import TokenCache
from shared.outbound.rotating import RotatingSecrets
from shared.outbound.session import HttpSession, HttpSettings
from shared.pos.config import Location
from shared.pos.lightspeed.budget import CallBudget
from shared.pos.port import ChangeListings, PosClient
from shared.pos.registry import PosAccount, open_account
from tests.unit.pos.fakes import Canned, FakeTime, FakeTransport, Sent, ok

FIRST_VERSION = 29_161_706_323
HOST = "harbor.retail.lightspeed.app"
OUTLET = "0u71e700-0000-4000-8000-000000000001"
Row = dict[str, Any]


class Retailer:
    """Lists by version, searches sales by date, and keeps to a page size of its own, ``most``.
    ``interfere`` may answer a call in its place."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.most = 10_000
        self.rows: dict[str, dict[str, Row]] = {}
        self.good_tokens = {"lsxs_pt_nobody"}
        self.headers: dict[str, str] = {}
        self.refresh_token = "refresh-1"
        self.refreshes = 0
        self.interfere: Callable[[Sent], Canned | None] = lambda _sent: None
        self.transport = FakeTransport(self._answer)
        self._version = FIRST_VERSION
        self._lock = Lock()

    def put(self, kind: str, row: Row) -> Row:
        """Make or change a record: it has a new version."""
        with self._lock:
            self._version += 7
            row = {**row, "version": self._version}
            self.rows.setdefault(kind, {})[row["id"]] = row
        return row

    def change(self, kind: str, record_id: str, **changes: Any) -> None:
        self.put(kind, {**self.rows[kind][record_id], **changes})

    def delete(self, kind: str, record_id: str) -> None:
        self.change(kind, record_id, deleted_at="2026-03-18T12:00:00+00:00")

    def http(self) -> HttpSession:
        return HttpSession(
            HttpSettings(attempts=3),
            transport=self.transport,
            sleep=self.time.sleep,
            monotonic=self.time.monotonic,
            clock=self.time.now,
        )

    def client(
        self,
        *,
        tokens: TokenCache | None = None,
        secrets: RotatingSecrets | None = None,
        budget: CallBudget | None = None,
        **pos_config: Any,
    ) -> PosClient:
        found = account(
            http=self.http(),
            clock=self.time.now,
            tokens=tokens,
            secrets=secrets,
            budget=budget,
            **{"domainPrefix": "harbor", "token": "lsxs_pt_nobody", **pos_config},
        )
        return found.client

    def calls(self, path: str = "") -> list[Sent]:
        """The requests that went to paths that begin so."""
        return [s for s in self.transport.sent if path_of(s).startswith(path)]

    def counted(self) -> Counter[str]:
        """How many requests went to each path, since this was asked last."""
        found = Counter(map(path_of, self.transport.sent))
        self.transport.sent.clear()
        return found

    def _answer(self, sent: Sent) -> Canned:
        answer = self.interfere(sent)
        if answer is not None:
            return answer
        path, asked = path_of(sent), parse_qs(urlsplit(sent.url).query)
        query = {name: values[0] for name, values in asked.items()}
        if path == "/api/1.0/token":
            return self._refresh(sent)
        if sent.headers.get("Authorization", "").removeprefix("Bearer ") not in self.good_tokens:
            return Canned(401, b'{"error": "Unauthorized"}', self.headers)
        with self._lock:
            found = self._found(path.strip("/").split("/"), query)
        canned = Canned(404, b'{"error": "Not found"}') if found is None else ok(found)
        return Canned(canned.status, canned.body, self.headers)

    def _found(self, path: list[str], query: dict[str, str]) -> object:
        kind, *record = path
        if record:
            row = self.rows.get(kind, {}).get(record[0])
            return {"data": row} if row else None
        size = min(int(query["page_size"]), self.most)
        if kind == "search":
            since, until = query["date_from"], query["date_to"]
            sales = [s for s in self.rows.get("sales", {}).values() if not s.get("deleted_at")]
            within = sorted(
                (s for s in sales if _time(since) <= _time(s["sale_date"]) <= _time(until)),
                key=lambda s: (s["sale_date"], s["id"]),
            )
            offset = int(query["offset"])
            return {"data": within[offset : offset + size], "total_count": len(within)}
        newer = [r for r in self.rows.get(kind, {}).values() if r["version"] > int(query["after"])]
        page = sorted(newer, key=lambda r: int(r["version"]))[:size]
        versions = [r["version"] for r in page]
        bounds = {"min": min(versions), "max": max(versions)} if page else {"min": 0, "max": 0}
        return {"data": page, "version": bounds}

    def _refresh(self, sent: Sent) -> Canned:
        with self._lock:
            if sent.body["refresh_token"] != [self.refresh_token]:
                return Canned(400, b'{"error": "invalid_grant"}')
            self.refreshes += 1
            self.refresh_token = f"refresh-{self.refreshes + 1}"
            access = f"access-{self.refreshes}"
            self.good_tokens.add(access)
        fields = {"token_type": "Bearer", "expires_in": 86_400}
        return ok({**fields, "access_token": access, "refresh_token": self.refresh_token})


def changes_of(client: PosClient) -> ChangeListings:
    assert client.changes is not None
    return client.changes


def account(
    *,
    http: HttpSession | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    tokens: TokenCache | None = None,
    secrets: RotatingSecrets | None = None,
    budget: CallBudget | None = None,
    **pos_config: Any,
) -> PosAccount:
    """The account of a location at Lightspeed with these settings."""
    return open_account(
        location(**pos_config),
        http or HttpSession(),
        tokens or TokenCache(clock),
        clock,
        secrets=secrets,
        budget=(lambda _: budget) if budget else None,
    )


def location(**pos_config: Any) -> Location:
    config = {"provider": "lightspeed", "status": "active", "locationId": OUTLET, **pos_config}
    document = {"id": "harbor", "orgId": "org_test", "name": "Harbor", "posConfig": config}
    return Location.model_validate(document)


def path_of(sent: Sent) -> str:
    return urlsplit(sent.url).path.removeprefix("/api/2.0")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
