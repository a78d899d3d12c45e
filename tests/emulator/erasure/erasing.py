"""Erases customers of an org, and looks whether anything of them is left anywhere."""

import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgpack
from google.cloud.firestore import Client

from shared.services.admin.audit import Actor
from shared.services.erasure.customer import EraseCustomer
from shared.store.database import Database
from shared.store.erasures import StoredErasure
from tests.emulator.environment import SMALL, Environment
from tests.simulated_pos import SimulatedPos

ORG = SMALL.id
FIRST, LAST = "Zephyrine", "Quixwood"
EMAIL, PHONE, E164 = "zephyrine.q@example.com", "(518) 555-0147", "+15185550147"
TRACES = (f"{FIRST} {LAST}", LAST, EMAIL, PHONE, E164, "5185550147")
ACTOR = Actor("uid-operator", "request-1")


class Erasing:
    """The service, on an org."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.client = environment.client

    def service(self, database: Database | None = None, **settings: Any) -> EraseCustomer:
        settings.setdefault("patience_seconds", 0.0)
        return EraseCustomer(
            database or self.environment.database, self.environment.clock.now, **settings
        )

    def __call__(self, customer_id: str, **settings: Any) -> StoredErasure:
        return self.service(**settings)(ORG, customer_id, ACTOR)

    def left_of(self, *texts: str) -> list[str]:
        """Where in the database one of the texts stands, in whatever case."""
        return left_of(self.client, *texts)


def left_of(client: Client, *texts: str) -> list[str]:
    wanted = [text.casefold() for text in texts if text]
    return [
        f"{path}: {text}"
        for path, fields in documents(client)
        for haystack in [path.casefold() + " " + readable(fields).casefold()]
        for text in wanted
        if text in haystack
    ]


def documents(client: Client) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every document of the database by its path."""
    for collection in client.collections():
        yield from _of(collection)


def _of(collection: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for found in collection.stream():
        yield found.reference.path, found.to_dict()
    if collection.id in PARENTS:
        for reference in collection.list_documents():
            for inner in reference.collections():
                yield from _of(inner)


PARENTS = ("tenants", "customers", "products", "publicViews", "metrics_reports")
"""Collections whose documents have others below them."""


def make_unique(pos: SimulatedPos, org_id: str = ORG) -> str:
    """Give one of the POS's customers who buys most a name, e-mail and telephone number that nobody
    else has; the id."""
    data = pos.data(org_id)
    bought = Counter(order["id_customer"] for order in data["orders"] if order["id_customer"])
    customer_id = bought.most_common(1)[0][0]
    fields = {"name_first": FIRST, "name_last": LAST, "email": EMAIL, "phone": PHONE}
    pos.change(org_id, "customers", customer_id, full_name=f"{FIRST} {LAST}", **fields)
    for order in data["orders"]:
        if order["id_customer"] == customer_id:
            pos.change(org_id, "orders", order["id_order"], **fields)
    return str(customer_id)


def readable(value: Any) -> str:
    """All that a value says, packed and compressed parts included."""
    match value:
        case bytes():
            return _unpacked(value)
        case dict():
            return " ".join(f"{readable(name)} {readable(each)}" for name, each in value.items())
        case list() | tuple():
            return " ".join(map(readable, value))
    return str(value)


def _unpacked(data: bytes) -> str:
    with suppress(zlib.error):
        data = zlib.decompress(data)
    with suppress(ValueError, msgpack.UnpackException):
        unpacked = msgpack.unpackb(data, strict_map_key=False)
        if not isinstance(unpacked, int):
            return readable(unpacked)
    return data.decode(errors="replace")
