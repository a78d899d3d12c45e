"""Puts the documents of a project back to what they were, for tests that share an org."""

from typing import Any

from google.cloud.firestore import Client
from google.cloud.firestore_v1 import types

from tests.stored import StoredDocuments

WRITES_AT_ONCE = 400

_Document: Any = types.Document.pb()
_Write: Any = types.Write.pb()


class Snapshot:
    """The documents of the client's project as they stand."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._store = StoredDocuments(client)
        self._before = self._documents()

    def restore(self) -> None:
        """Write back what has changed since, and delete what is new."""
        now = self._documents()
        writes = [_Write(delete=name) for name in now.keys() - self._before.keys()]
        writes += [
            _Write(update=_Document(name=name, fields=document.fields))
            for name, document in self._before.items()
            if name not in now or now[name].fields != document.fields
        ]
        for start in range(0, len(writes), WRITES_AT_ONCE):
            batch = self._client.batch()
            part = writes[start : start + WRITES_AT_ONCE]
            batch._add_write_pbs([types.Write.wrap(each) for each in part])
            batch.commit()

    def _documents(self) -> dict[str, Any]:
        return {each.name: each for each in self._store.below("")}
