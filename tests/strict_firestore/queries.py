"""The checks of a query: it must have its index, and not more disjunctions than are allowed."""

from collections.abc import Mapping
from math import prod
from typing import Any

import grpc
from google.cloud.firestore_v1.types import (
    RunAggregationQueryRequest,
    RunQueryRequest,
    StructuredQuery,
)

from tests import indexes
from tests.strict_firestore.limits import Limits, Refused, invalid

_Op = StructuredQuery.FieldFilter.Operator
_SEVERAL = (_Op.IN, _Op.ARRAY_CONTAINS_ANY)


class QueryCheck:
    """Checks the queries of RunQuery and RunAggregationQuery. Each raises Refused."""

    def __init__(self, declared: Mapping[str, Any], limits: Limits) -> None:
        self._declared = dict(declared)
        self._limits = limits

    def query(self, request: bytes) -> None:
        """A RunQueryRequest."""
        self._check(RunQueryRequest.deserialize(request).structured_query, ())

    def aggregation(self, request: bytes) -> None:
        """A RunAggregationQueryRequest."""
        found = RunAggregationQueryRequest.deserialize(request).structured_aggregation_query
        self._check(found.structured_query, indexes.sums_of(found))

    def _check(self, query: StructuredQuery, sums: tuple[str, ...]) -> None:
        count = self._disjunctions(query.where)
        if count > self._limits.disjunctions:
            raise invalid(
                f"The query has {count} disjunctions in disjunctive normal form: at most "
                f"{self._limits.disjunctions} are allowed."
            )
        if not query.from_ or not query.from_[0].collection_id:
            return
        if lack := indexes.missing(indexes.needs(query, sums), self._declared):
            raise Refused(
                grpc.StatusCode.FAILED_PRECONDITION, f"The query requires an index: {lack}"
            )

    def _disjunctions(self, where: StructuredQuery.Filter) -> int:
        if "composite_filter" in where:
            parts = [self._disjunctions(each) for each in where.composite_filter.filters]
            either = StructuredQuery.CompositeFilter.Operator.OR
            return sum(parts) if where.composite_filter.op == either else prod(parts)
        if "field_filter" not in where:
            return 1
        values = len(where.field_filter.value.array_value.values)
        if where.field_filter.op == _Op.NOT_IN and values > self._limits.excluded_values:
            raise invalid(
                f"'NOT_IN' supports up to {self._limits.excluded_values} comparison values."
            )
        return values if where.field_filter.op in _SEVERAL else 1
