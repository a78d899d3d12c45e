"""The checks of a commit: every document as it will be once the commit is applied."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.cloud.firestore_v1 import types

from tests.strict_firestore.limits import Limits, check_name, field_path, invalid, path_of
from tests.strict_firestore.measure import NOTHING, Measure, Size

SIZES_KEPT = 200_000
PATHS_KEPT = 4_096

Fetch = Callable[[list[str]], Mapping[str, Any]]
"""Gives the stored documents (protobuf) of those names that exist."""
IsEmpty = Callable[[str], bool]
"""Whether a database, by its full name, has no document."""

_CommitRequest: Any = types.CommitRequest.pb()
_Document: Any = types.Document.pb()


@dataclass(frozen=True, slots=True)
class _Written:
    """A write, the document it is on, and the size of what it writes."""

    write: Any
    name: str
    size: Size

    @property
    def replaces(self) -> bool:
        """Whether nothing of the document before is left."""
        write = self.write
        return bool(write.delete) or (bool(write.update.name) and not write.HasField("update_mask"))


@dataclass(slots=True)
class Checked:
    """A commit that is let pass: how large its documents will be at most."""

    sizes: dict[str, Size] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return list(self.sizes)


class WriteCheck:
    """Checks commits. What a write leaves on a document is measured exactly where it replaces the
    document. Where it writes some fields, the sum of all that was written since is an upper
    bound, and the stored document is read only where that bound exceeds a limit, or where nothing
    is known of the document. What was never written in a database that was empty at its first
    commit is known not to exist. Safe to use from several threads."""

    def __init__(self, measure: Measure, limits: Limits, fetch: Fetch, is_empty: IsEmpty) -> None:
        self._measure = measure
        self._limits = limits
        self._fetch = fetch
        self._is_empty = is_empty
        self._sizes: dict[str, Size | None] = {}  # None: it may be of any size
        self._known: dict[str, bool] = {}  # databases of whose every document the size is kept
        self._paths: set[str] = set()  # of fields, that are known to be allowed
        self._lock = threading.Lock()

    def check(self, request: bytes) -> Checked:
        """Raises Refused. A BatchWrite has the same form and is refused as a whole."""
        written = [self._written(write) for write in _CommitRequest.FromString(request).writes]
        transforms: Counter[str] = Counter()
        for each in written:
            transforms[each.name] += len(_transforms(each.write))
        for name, count in transforms.items():
            if count > self._limits.transforms:
                raise invalid(
                    f"Cannot have more than {self._limits.transforms} field transforms on a single "
                    f"document: {count} on {path_of(name)}"
                )
        return self._checked(written)

    def applied(self, checked: Checked) -> None:
        """The commit was applied."""
        with self._lock:
            if len(self._sizes) + len(checked.sizes) > SIZES_KEPT:
                self._sizes.clear()
                self._known = dict.fromkeys(self._known, False)
            self._sizes.update(checked.sizes)

    def unknown(self, checked: Checked) -> None:
        """Nobody knows whether the commit was applied."""
        with self._lock:
            self._sizes.update(dict.fromkeys(checked.sizes))

    def _written(self, write: Any) -> _Written:
        name = write.update.name or write.delete or write.transform.document or write.verify
        check_name(name, self._limits)
        for path in write.update_mask.field_paths:
            if path not in self._paths:
                field_path(path, self._limits)
                if len(self._paths) > PATHS_KEPT:
                    self._paths = set()
                self._paths.add(path)
        size = self._measure.fields(name, write.update.fields)
        if transforms := _transforms(write):
            alone = _Document()
            for transform in transforms:
                _transform(transform, alone.fields, self._limits)
            size += self._measure.fields(name, alone.fields)
        return _Written(write, name, size)

    def _checked(self, written: list[_Written]) -> Checked:
        checked = Checked()
        doubtful: dict[str, None] = {}
        new = NOTHING if written and self._is_known(written[0].name) else None
        for each in written:
            size = each.size
            if not each.replaces:
                before = checked.sizes.get(each.name) or self._sizes.get(each.name, new)
                if before is None:
                    doubtful[each.name] = None
                size = self._measure.most(each.name, before or NOTHING, size)
            checked.sizes[each.name] = size
            if not self._measure.fits(each.name, size):
                doubtful[each.name] = None
        if doubtful:
            self._measure_stored(doubtful, written, checked)
        return checked

    def _is_known(self, name: str) -> bool:
        database = name.partition("/documents/")[0]
        with self._lock:
            known = self._known.get(database)
        if known is None:
            known = self._is_empty(database)
            with self._lock:
                self._known.setdefault(database, known)
        return known

    def _measure_stored(
        self, names: Mapping[str, None], written: list[_Written], checked: Checked
    ) -> None:
        stored = self._fetch(list(names))
        after = {name: stored.get(name) or _Document() for name in names}
        for each in written:
            if each.name in after:
                _apply(each, after[each.name], self._limits)
        for name, document in after.items():
            checked.sizes[name] = self._measure.fields(name, document.fields)
            self._measure.check(name, checked.sizes[name])


def _apply(written: _Written, document: Any, limits: Limits) -> None:
    """Do to a document what the write does."""
    write = written.write
    if written.replaces:
        document.CopyFrom(_Document(fields=write.update.fields))
    for path in write.update_mask.field_paths:
        *parents, last = field_path(path, limits)
        source, target = write.update.fields, document.fields
        for parent in parents:
            source = source[parent].map_value.fields if parent in source else {}
            target = target[parent].map_value.fields
        if last in source:
            target[last].CopyFrom(source[last])
        elif last in target:
            del target[last]
    for transform in _transforms(write):
        _transform(transform, document.fields, limits)


def _transforms(write: Any) -> list[Any]:
    return [*write.update_transforms, *write.transform.field_transforms]


def _transform(transform: Any, fields: Any, limits: Limits) -> None:
    """Leave a value of the size that the transform's will have, at most."""
    *parents, last = field_path(transform.field_path, limits)
    for parent in parents:
        fields = fields[parent].map_value.fields
    match transform.WhichOneof("transform_type"):
        case "append_missing_elements":
            values = fields[last].array_value.values
            present = {each.SerializeToString() for each in values}
            for value in transform.append_missing_elements.values:
                if value.SerializeToString() not in present:
                    values.add().CopyFrom(value)
        case "remove_all_from_array":
            fields[last].array_value.SetInParent()
        case _:
            fields[last].integer_value = 0
