"""A Lightspeed account as its API lists and takes webhooks."""

from dataclasses import dataclass, field
from typing import Any

from tests.unit.pos.fakes import Canned, Sent, ok


@dataclass
class Account:
    """The registered webhooks, by id; ``refuse`` is the status that calls of a method get,
    ``sent`` the calls so far. Its prefix is harbor."""

    registered: dict[str, dict[str, Any]] = field(default_factory=dict)
    refuse: dict[str, int] = field(default_factory=dict)
    sent: list[tuple[str, str]] = field(default_factory=list)
    token: str = "lsxs_pt_1"

    def add(self, url: str, kind: str = "sale.update", *, active: bool = True) -> None:
        self._add({"url": url, "type": kind, "active": active})

    def answer(self, sent: Sent) -> Canned:
        path = sent.url.removeprefix("https://harbor.retail.lightspeed.app/api/2.0/webhooks")
        self.sent.append((sent.method, path.lstrip("/")))
        assert sent.headers["Authorization"] == f"Bearer {self.token}"
        if sent.method in self.refuse:
            return Canned(self.refuse[sent.method], b'{"error": "no"}')
        match sent.method, path.lstrip("/"):
            case "GET", "":
                return ok({"data": [*self.registered.values()]})
            case "POST", "":
                return self._post(sent.body)
            case "DELETE", webhook_id:
                found = self.registered.pop(webhook_id, None)
                return Canned(204, b"") if found else Canned(404, b"{}")
        raise AssertionError(sent)

    def urls(self) -> dict[str, list[str]]:
        """The kinds that are sent to each address."""
        found: dict[str, list[str]] = {}
        for each in self.registered.values():
            found.setdefault(each["url"], []).append(each["type"])
        return found

    def _post(self, body: dict[str, Any]) -> Canned:
        same = ("url", "type")
        if any(all(r[n] == body[n] for n in same) for r in self.registered.values()):
            return Canned(409, b'{"error": "conflict"}')
        self._add(body)
        return Canned(201, b'{"data": {}}')

    def _add(self, fields: dict[str, Any]) -> None:
        webhook_id = f"w{len(self.registered)}-{len(self.sent)}"
        self.registered[webhook_id] = {"id": webhook_id, "retailer_id": "r", **fields}
