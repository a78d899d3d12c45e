"""Google's emulators, started once for all tests of this folder."""

import secrets
from collections.abc import Iterator

import pytest
from google.cloud.firestore_v1.base_aggregation import BaseAggregationQuery
from google.cloud.firestore_v1.base_query import BaseQuery

from deploy.local import emulators
from tests import indexes


@pytest.fixture(scope="session")
def _emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[emulators.Emulators]:
    with emulators.running(tmp_path_factory.mktemp("emulator-logs")) as running:
        yield running


@pytest.fixture(scope="session")
def firestore_host(_emulators: emulators.Emulators) -> str:
    """``127.0.0.1:PORT`` of the Firestore emulator."""
    return _emulators.firestore


@pytest.fixture(scope="session")
def pubsub_host(_emulators: emulators.Emulators) -> str:
    """``127.0.0.1:PORT`` of the Pub/Sub emulator."""
    return _emulators.pubsub


@pytest.fixture
def project() -> str:
    """A project of the test's own: the emulators keep projects apart."""
    return f"demo-{secrets.token_hex(6)}"


@pytest.fixture(autouse=True)
def _every_query_has_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test that makes a query which Firestore itself would refuse."""
    declared = indexes.declared()
    to_query, to_aggregation = BaseQuery._to_protobuf, BaseAggregationQuery._to_protobuf

    def checked(self: BaseQuery) -> object:
        query = to_query(self)
        lack = indexes.missing(indexes.needs(query), declared)
        assert lack is None, lack
        return query

    def checked_aggregation(self: BaseAggregationQuery) -> object:
        query = to_aggregation(self)
        wanted = indexes.needs(query.structured_query, indexes.sums_of(query))
        lack = indexes.missing(wanted, declared)
        assert lack is None, lack
        return query

    monkeypatch.setattr(BaseQuery, "_to_protobuf", checked)
    monkeypatch.setattr(BaseAggregationQuery, "_to_protobuf", checked_aggregation)
