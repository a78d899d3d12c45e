"""What a dry run takes a write for is what Firestore makes of it."""

import pytest
from google.cloud.firestore import Client

from shared.store.database import Create, Database, Put, Remove, Update, Write
from shared.store.writes import outcome

PATH = "tenants/org_test/products/1"
BEFORE = {"name": "Blue Dream", "price": 35.0, "stock": {"a": 1, "b": 2}, "imageUrl": "a.png"}


@pytest.mark.parametrize(
    ("write", "exists"),
    [
        (Put(PATH, {"name": "A"}), True),
        (Put(PATH, {"name": "A"}, owned=("name", "price")), True),
        (Put(PATH, {"stock": {"c": 3}}, owned=("stock",)), True),
        (Put(PATH, {"price": None}, owned=("price",)), True),
        (Put(PATH, {"name": "A"}, owned=("name", "price")), False),
        (Create(PATH, {"name": "A"}), False),
        (Update(PATH, {"price": None, "name": "A"}), True),
        (Remove(PATH), True),
    ],
)
def test_the_outcome_of_a_write_is_foreseen(client: Client, write: Write, exists: bool) -> None:
    # Given a document, or none
    if exists:
        client.document(PATH).set(BEFORE)

    # When it is written
    Database(client).commit([write])

    # Then it is what was foreseen
    assert client.document(PATH).get().to_dict() == outcome(write, BEFORE if exists else None)
