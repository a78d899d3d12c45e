"""A Firestore of one process, without a server: documents by path, with what commits require of
them and the plainest queries."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from shared.clock import utc_now
from shared.store.database import (
    Conflict,
    Create,
    Database,
    Document,
    Filter,
    Meter,
    Remove,
    Update,
    Write,
)
from shared.store.writes import outcome


class DocumentsInMemory(Database):
    """Counts what is read and written as Firestore does."""

    def __init__(self) -> None:
        self.meter = Meter()
        self.documents: dict[str, tuple[datetime, dict[str, object]]] = {}
        self._version = utc_now()
        self._lock = threading.RLock()
        self.before_commit: Callable[[Sequence[Write]], None] = lambda writes: None
        """May raise: nothing of the commit is stored then."""

    def metered(self) -> Self:
        """This one, its meter anew."""
        self.meter = Meter()
        return self

    def get_all(
        self, paths: Sequence[str], fields: Sequence[str] | None = None
    ) -> dict[str, Document]:
        return {path: self.get(path) for path in paths}

    def get(self, path: str) -> Document:
        self.meter.add(reads=1)
        return self._document(path)

    def query(
        self,
        collection: str,
        *filters: Filter,
        select: Sequence[str] | None = None,
        order_by: Sequence[tuple[str, str]] = (),
        limit: int | None = None,
        after: Mapping[str, Any] | None = None,
        everywhere: bool = False,
    ) -> Iterator[Document]:
        """By the documents' ids, or by fields that all of them have. Filters of other kinds than
        "==", "<=" and "in" are not known."""
        assert not everywhere
        assert after is None
        with self._lock:
            inside = [p for p in self.documents if p.rpartition("/")[0] == collection]
            documents = [self._document(path) for path in sorted(inside)]
        found = [d for d in documents if all(_fits(d.fields, each) for each in filters)]
        for name, direction in reversed(order_by):
            found.sort(key=_by(name), reverse=direction == "DESCENDING")
        found = found[:limit]
        self.meter.add(reads=max(1, len(found)))
        yield from found

    def commit(self, writes: Iterable[Write]) -> datetime | None:
        given = list(writes)
        self.before_commit(given)
        with self._lock:
            for write in given:
                found = self._document(write.path)
                match write:
                    case Create():
                        fits = not found.exists
                    case Update(if_version=version):
                        fits = found.exists and version in (None, found.version)
                    case _:
                        fits = True
                if not fits:
                    raise Conflict(write.path)
            self._version += timedelta(microseconds=1)
            for write in given:
                fields = outcome(write, self._document(write.path).fields)
                if isinstance(write, Remove) or fields is None:
                    self.documents.pop(write.path, None)
                else:
                    self.documents[write.path] = self._version, fields
        removals = sum(isinstance(write, Remove) for write in given)
        self.meter.add(writes=len(given) - removals, deletes=removals)
        return self._version

    def put(self, path: str, fields: Mapping[str, object]) -> None:
        """Set a document, as people do by hand."""
        self.documents[path] = utc_now(), dict(fields)

    def fields(self, path: str) -> dict[str, Any]:
        """Of a document; none where there is none. Counts as no read."""
        return dict(self._document(path).fields)

    def collection(self, path: str) -> dict[str, dict[str, Any]]:
        """The fields of all documents right below a path, by id."""
        inside = (each for each in self.documents if each.rpartition("/")[0] == path)
        return {each.rpartition("/")[2]: self.fields(each) for each in inside}

    def _document(self, path: str) -> Document:
        version, fields = self.documents.get(path, (None, {}))
        return Document(path.rpartition("/")[2], fields, version, utc_now(), path)


def _by(name: str) -> Callable[[Document], Any]:
    return lambda document: document.id if name == "__name__" else document.fields[name]


def _fits(fields: Mapping[str, Any], wanted: Filter) -> bool:
    name, operator, value = wanted
    found: Any = fields
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    match operator:
        case "==":
            return bool(found == value)
        case "<=":
            return bool(found is not None and found <= value)
        case "in":
            assert isinstance(value, list | tuple)
            return found in value
    raise AssertionError(operator)
