"""Answering structured queries."""

from collections.abc import Callable, Iterator, Sequence
from functools import cmp_to_key
from itertools import islice
from typing import Any

from google.cloud.firestore_v1 import types

from tests.memory_firestore.store import Store
from tests.memory_firestore.values import NAME, NUMBERS, Key, copy_fields, found, key_of
from tests.strict_firestore.limits import invalid

_Query: Any = types.StructuredQuery.pb()
_Document: Any = types.Document.pb()
_Op = _Query.FieldFilter
_Unary = _Query.UnaryFilter
_RANGES: dict[int, Callable[[Key, Key], bool]] = {
    _Op.LESS_THAN: lambda a, b: a < b,
    _Op.LESS_THAN_OR_EQUAL: lambda a, b: a <= b,
    _Op.GREATER_THAN: lambda a, b: a > b,
    _Op.GREATER_THAN_OR_EQUAL: lambda a, b: a >= b,
}

Test = Callable[[Any], bool]


def run(store: Store, parent: str, query: Any) -> Iterator[Any]:
    """The documents (protobuf) that a query finds, in its order. Raises Refused for a filter that
    is not known here."""
    matching = _ordered(_matching(store, parent, query), query)
    last = query.offset + query.limit.value if query.HasField("limit") else None
    for document in islice(matching, query.offset, last):
        yield selected(document, query.select.fields) if query.HasField("select") else document


def selected(document: Any, fields: Any) -> Any:
    """The document with some of its fields (field references) alone."""
    part = _Document(
        name=document.name, create_time=document.create_time, update_time=document.update_time
    )
    wanted = (each.field_path for each in fields if each.field_path != NAME)
    copy_fields(document.fields, part.fields, wanted)
    return part


def aggregated(store: Store, parent: str, request: Any) -> dict[str, Any]:
    """Counts and sums by alias, as values (protobuf fields by name)."""
    # Where fields are summed, only documents that have all of them count.
    tests = [_has(a.sum.field.field_path) for a in request.aggregations if a.HasField("sum")]
    documents = [
        document
        for document in run(store, parent, request.structured_query)
        if all(test(document) for test in tests)
    ]
    results: dict[str, Any] = {}
    for each in request.aggregations:
        match each.WhichOneof("operator"):
            case "count":
                results[each.alias] = {"integer_value": len(documents)}
            case "sum":
                results[each.alias] = _sum(documents, each.sum.field.field_path)
            case other:
                raise invalid(f"no such aggregation here: {other}")
    return results


def _sum(documents: list[Any], path: str) -> dict[str, Any]:
    values = [value for each in documents if (value := found(each, path)) is not None]
    numbers = [
        getattr(each, kind) for each in values if (kind := each.WhichOneof("value_type")) in NUMBERS
    ]
    total = sum(numbers)
    return {"integer_value" if isinstance(total, int) else "double_value": total}


def _matching(store: Store, parent: str, query: Any) -> Iterator[Any]:
    source = query.from_[0]
    tests = [*_tests(query.where), *(_has(o.field.field_path) for o in query.order_by)]
    narrow = _narrowest(query.where)
    for collection in store.collections(
        parent, source.collection_id, everywhere=source.all_descendants
    ):
        documents = store.with_value(collection, *narrow) if narrow else store.documents(collection)
        for _, text in documents:
            document = _Document.FromString(text)
            if all(test(document) for test in tests):
                yield document


def _ordered(documents: Iterator[Any], query: Any) -> Iterator[Any]:
    """Sorted by the query's order and then by name, within its cursors."""
    order = _order(query)
    cut = query.HasField("start_at") or query.HasField("end_at")
    everywhere = query.from_[0].all_descendants
    if order == [(NAME, _Query.ASCENDING)] and not everywhere and not cut:
        return documents  # in that order already, and not to be held in memory all at once

    def compare(a: Sequence[Key], b: Sequence[Key]) -> int:
        for one, other, (_, direction) in zip(a, b, order, strict=False):
            if one != other:
                return (1 if one > other else -1) * (-1 if direction == _Query.DESCENDING else 1)
        return 0

    placed = [([key_of(found(each, path)) for path, _ in order], each) for each in documents]
    place = cmp_to_key(compare)
    placed.sort(key=lambda each: place(each[0]))
    if query.HasField("start_at"):
        first = list(map(key_of, query.start_at.values))
        least = 0 if query.start_at.before else 1
        placed = [each for each in placed if compare(each[0], first) >= least]
    if query.HasField("end_at"):
        end = list(map(key_of, query.end_at.values))
        most = -1 if query.end_at.before else 0
        placed = [each for each in placed if compare(each[0], end) <= most]
    return (document for _, document in placed)


def _order(query: Any) -> list[tuple[str, int]]:
    """Field paths and directions; Firestore adds those of ranges, and the name."""
    order = [(each.field.field_path, each.direction) for each in query.order_by]
    ranges = [each.field.field_path for each in _filters(query.where) if each.op in _RANGES]
    for path in (*ranges, NAME):
        if path not in dict(order):
            order.append((path, order[-1][1] if order else _Query.ASCENDING))
    return order


def _filters(where: Any) -> Iterator[Any]:
    """The field filters that must all hold."""
    match where.WhichOneof("filter_type"):
        case "field_filter":
            yield where.field_filter
        case "composite_filter" if where.composite_filter.op == _Query.CompositeFilter.AND:
            for each in where.composite_filter.filters:
                yield from _filters(each)


def _narrowest(where: Any) -> tuple[str, list[Key]] | None:
    """A top-level field and the values that it must have one of."""
    for each in _filters(where):
        path = each.field.field_path
        if path == NAME or "." in path or "`" in path:
            continue
        if each.op == _Op.EQUAL:
            return path, [key_of(each.value)]
        if each.op == _Op.IN:
            return path, list(map(key_of, each.value.array_value.values))
    return None


def _tests(where: Any) -> Iterator[Test]:
    match where.WhichOneof("filter_type"):
        case "composite_filter":
            parts = [list(_tests(each)) for each in where.composite_filter.filters]
            if where.composite_filter.op == _Query.CompositeFilter.OR:
                yield lambda d: any(all(test(d) for test in part) for part in parts)
            else:
                for part in parts:
                    yield from part
        case "field_filter":
            yield _field_test(where.field_filter)
        case "unary_filter":
            yield _unary_test(where.unary_filter)


def _has(path: str) -> Test:
    return lambda document: found(document, path) is not None


def _unary_test(unary: Any) -> Test:
    path = unary.field.field_path
    if unary.op not in (_Unary.IS_NULL, _Unary.IS_NOT_NULL):
        raise invalid(f"no such filter here: {unary}")

    def test(document: Any) -> bool:
        value = found(document, path)
        if value is None:
            return False
        return bool((key_of(value) == (0,)) == (unary.op == _Unary.IS_NULL))

    return test


def _field_test(given: Any) -> Test:
    path, wanted = given.field.field_path, key_of(given.value)
    several = set(map(key_of, given.value.array_value.values))
    holds: dict[int, Callable[[Key], bool]] = {
        _Op.EQUAL: lambda key: key == wanted,
        _Op.NOT_EQUAL: lambda key: key not in (wanted, (0,)),
        _Op.IN: lambda key: key in several,
        _Op.NOT_IN: lambda key: key not in several and key != (0,),
        _Op.ARRAY_CONTAINS: lambda key: key[0] == 8 and wanted in key[1],
        _Op.ARRAY_CONTAINS_ANY: lambda key: key[0] == 8 and not several.isdisjoint(key[1]),
    }
    if in_range := _RANGES.get(given.op):
        compared = in_range
        holds[given.op] = lambda key: key[0] == wanted[0] and compared(key, wanted)
    if given.op not in holds:
        raise invalid(f"no such filter here: {given}")
    hold = holds[given.op]

    def test(document: Any) -> bool:
        value = found(document, path)
        return value is not None and hold(key_of(value))

    return test
