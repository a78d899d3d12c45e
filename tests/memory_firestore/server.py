"""Serves the store over gRPC, as the emulator does its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import grpc
from google.cloud.firestore_v1 import types

from tests.memory_firestore.queries import aggregated, run, selected
from tests.memory_firestore.store import Store
from tests.strict_firestore.limits import Refused

SERVICE = "google.firestore.v1.Firestore"
THREADS = 32
STOP_SECONDS = 1.0
_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]

_Document: Any = types.Document.pb()
_CommitRequest: Any = types.CommitRequest.pb()
_CommitResponse: Any = types.CommitResponse.pb()
_WriteResult: Any = types.WriteResult.pb()
_BatchGetRequest: Any = types.BatchGetDocumentsRequest.pb()
_BatchGetResponse: Any = types.BatchGetDocumentsResponse.pb()
_QueryRequest: Any = types.RunQueryRequest.pb()
_QueryResponse: Any = types.RunQueryResponse.pb()
_AggregationRequest: Any = types.RunAggregationQueryRequest.pb()
_AggregationResponse: Any = types.RunAggregationQueryResponse.pb()
_AggregationResult: Any = types.AggregationResult.pb()
_ListRequest: Any = types.ListDocumentsRequest.pb()
_ListResponse: Any = types.ListDocumentsResponse.pb()
_CollectionsRequest: Any = types.ListCollectionIdsRequest.pb()
_CollectionsResponse: Any = types.ListCollectionIdsResponse.pb()
_Value: Any = types.Value.pb()
_FieldReference: Any = types.StructuredQuery.FieldReference.pb()


class MemoryFirestore:
    """A context manager; serves inside, at ``host``."""

    def __init__(self) -> None:
        self.store = Store()
        self._server = grpc.server(ThreadPoolExecutor(THREADS), options=_OPTIONS)
        handlers = {
            "Commit": grpc.unary_unary_rpc_method_handler(_unary(self._commit)),
            "ListDocuments": grpc.unary_unary_rpc_method_handler(_unary(self._list)),
            "ListCollectionIds": grpc.unary_unary_rpc_method_handler(
                _unary(self._list_collections)
            ),
            "BatchGetDocuments": grpc.unary_stream_rpc_method_handler(_stream(self._batch_get)),
            "RunQuery": grpc.unary_stream_rpc_method_handler(_stream(self._run_query)),
            "RunAggregationQuery": grpc.unary_stream_rpc_method_handler(_stream(self._aggregate)),
        }
        generic = grpc.method_handlers_generic_handler(SERVICE, handlers)
        self._server.add_generic_rpc_handlers((generic,))
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.stop(STOP_SECONDS).wait()

    def _commit(self, request: bytes) -> Any:
        writes = _CommitRequest.FromString(request).writes
        now = self.store.commit(writes)
        results = [
            _WriteResult() if each.delete else _WriteResult(update_time=now) for each in writes
        ]
        return _CommitResponse(write_results=results, commit_time=now)

    def _list(self, request: bytes) -> Any:
        """All documents of a collection as one page; with ``show_missing`` those, too, that only
        have collections below them."""
        wanted = _ListRequest.FromString(request)
        collection = f"{wanted.parent}/{wanted.collection_id}"
        found = dict(self.store.documents(collection))
        documents = [_Document.FromString(text) for text in found.values()]
        if wanted.show_missing:
            above = self.store.parents(collection) - found.keys()
            documents += [_Document(name=f"{collection}/{each}") for each in sorted(above)]
        return _ListResponse(documents=documents)

    def _list_collections(self, request: bytes) -> Any:
        parent = _CollectionsRequest.FromString(request).parent
        return _CollectionsResponse(collection_ids=sorted(self.store.collection_ids(parent)))

    def _batch_get(self, request: bytes) -> Iterator[Any]:
        wanted = _BatchGetRequest.FromString(request)
        fields = [_FieldReference(field_path=each) for each in wanted.mask.field_paths]
        now = self.store.now()
        for name in wanted.documents:
            text = self.store.get(name)
            if text is None:
                yield _BatchGetResponse(missing=name, read_time=now)
                continue
            document = _Document.FromString(text)
            if wanted.HasField("mask"):
                document = selected(document, fields)
            yield _BatchGetResponse(found=document, read_time=now)

    def _run_query(self, request: bytes) -> Iterator[Any]:
        wanted = _QueryRequest.FromString(request)
        now = self.store.now()
        documents = run(self.store, wanted.parent, wanted.structured_query)
        nothing = True
        for document in documents:
            nothing = False
            yield _QueryResponse(document=document, read_time=now)
        if nothing:
            yield _QueryResponse(read_time=now)

    def _aggregate(self, request: bytes) -> Iterator[Any]:
        wanted = _AggregationRequest.FromString(request)
        now = self.store.now()
        results = aggregated(self.store, wanted.parent, wanted.structured_aggregation_query)
        fields = {alias: _Value(**value) for alias, value in results.items()}
        yield _AggregationResponse(
            result=_AggregationResult(aggregate_fields=fields), read_time=now
        )


def _unary(answer: Callable[[bytes], Any]) -> Callable[[bytes, Any], bytes]:
    def handle(request: bytes, context: Any) -> bytes:
        try:
            text: bytes = answer(request).SerializeToString()
        except Refused as refused:
            context.abort(refused.status, refused.message)
            raise
        return text

    return handle


def _stream(answers: Callable[[bytes], Iterator[Any]]) -> Callable[[bytes, Any], Iterator[bytes]]:
    def handle(request: bytes, context: Any) -> Iterator[bytes]:
        try:
            for each in answers(request):
                yield each.SerializeToString()
        except Refused as refused:
            context.abort(refused.status, refused.message)

    return handle
