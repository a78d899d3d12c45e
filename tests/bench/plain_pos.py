"""The POS's listings as plain calls, one function each and nothing around them: what the
baselines use."""

from typing import Any

import requests

TIMEOUT_SECONDS = 60.0
PAGE_SIZE = 100

Record = dict[str, Any]


class PlainPos:
    """One account, signed in. May be used from several threads."""

    def __init__(self, location: Record) -> None:
        config = location["posConfig"]
        self._url = config["baseUrl"]
        self._location_id = int(config["locationId"])
        self._session = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=32)
        self._session.mount("http://", adapter)
        account = {name: config[name] for name in ("username", "password", "pin")}
        token = self._call("POST", "/auth", json=account)["token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def customers(self, page: int) -> list[Record]:
        """Page ``page`` (from 1)."""
        body = {"page": page, "pageSize": PAGE_SIZE}
        return list(self._call("POST", "/customer/search", json=body).values())

    def orders(self, page: int) -> list[Record]:
        """Page ``page`` (from 1) of all orders."""
        return self._list("GET", "/order", params={"page": page, "pageSize": PAGE_SIZE})

    def inventory(self) -> list[Record]:
        """The whole stock."""
        body = {"query": "", "id_location": self._location_id}
        return self._list("POST", "/inventory/search", json=body)

    def brands(self) -> list[Record]:
        """One of the short lists."""
        return self._list("GET", "/inventory/brand")

    def _list(self, method: str, path: str, **options: Any) -> list[Record]:
        found: list[Record] = self._call(method, path, **options)
        return found

    def _call(self, method: str, path: str, **options: Any) -> Any:
        reply = self._session.request(method, self._url + path, timeout=TIMEOUT_SECONDS, **options)
        reply.raise_for_status()
        return reply.json()
