"""The Firestore in memory, without a server: tests/emulator/strict holds it against Google's."""

from typing import Any

import pytest
from google.cloud.firestore_v1 import types

from shared.store.writes import Create, Put, Remove, Update, Write, encoded
from tests.memory_firestore.queries import run
from tests.memory_firestore.store import Store
from tests.strict_firestore.limits import Refused

DOCUMENTS = "projects/demo/databases/(default)/documents"


def commit(store: Store, *writes: Write) -> None:
    store.commit([types.Write.pb(encoded(write, DOCUMENTS)) for write in writes])


def found(store: Store, **query: Any) -> list[str]:
    """Ids of what a query of the towns finds."""
    given = types.StructuredQuery(from_=[{"collection_id": "towns"}], **query)
    documents = run(store, DOCUMENTS, types.StructuredQuery.pb(given))
    return [each.name.rsplit("/", 1)[1] for each in documents]


def named(value: str) -> dict[str, Any]:
    equal = types.StructuredQuery.FieldFilter.Operator.EQUAL
    field = {"field": {"field_path": "name"}, "op": equal, "value": {"string_value": value}}
    return {"field_filter": field}


def test_nothing_of_a_commit_is_left_where_a_precondition_fails() -> None:
    store = Store()
    with pytest.raises(Refused, match="No document to update"):
        commit(store, Put("towns/a", {"n": 1}), Update("towns/b", {"n": 1}))
    assert found(store) == []


def test_the_look_up_of_a_value_follows_the_writes() -> None:
    store = Store()
    commit(store, *(Create(f"towns/{i}", {"name": "x"}) for i in "cab"))
    assert found(store, where=named("x")) == ["a", "b", "c"]

    commit(store, Update("towns/a", {"name": "y"}), Remove("towns/b"))

    assert found(store, where=named("x")) == ["c"]
    assert found(store, where=named("y")) == ["a"]


def test_a_write_of_some_fields_leaves_the_others() -> None:
    store = Store()
    commit(store, Create("towns/a", {"name": "x", "n": 1, "gone": 1}))
    commit(store, Put("towns/a", {"n": 2}, owned=("n", "gone")))

    text = store.get(f"{DOCUMENTS}/towns/a")
    assert text
    document = types.Document.pb().FromString(text)
    assert sorted(document.fields) == ["n", "name"]
    assert document.update_time.ToMicroseconds() > document.create_time.ToMicroseconds()
