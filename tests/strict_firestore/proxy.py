"""The proxy: forwards every RPC as bytes, and checks what is worth checking on the way."""

import json
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

import grpc
from google.cloud.firestore_v1 import types
from grpc.experimental import ChannelOptions

from tests import indexes
from tests.strict_firestore.limits import Limits, Refused, invalid, project_of
from tests.strict_firestore.measure import Measure
from tests.strict_firestore.queries import QueryCheck
from tests.strict_firestore.weather import Contention, Fault, Latency, Weather, Weathers, answer
from tests.strict_firestore.writes import Checked, WriteCheck

SERVICE = "google.firestore.v1.Firestore"
CONTROL = "tests.strict_firestore.Control"
# Other methods write, and are not checked: Google's Python client calls none of them.
UNARY = (
    *("Commit", "BatchWrite", "BeginTransaction", "Rollback"),
    *("GetDocument", "ListDocuments", "ListCollectionIds", "PartitionQuery"),
)
ANSWERED_BY_STREAM = ("RunQuery", "RunAggregationQuery", "BatchGetDocuments")
STREAMS = ("Listen",)
WRITES = ("Commit", "BatchWrite")
THREADS = 128
REFUSALS_KEPT = 1_000
STOP_SECONDS = 1.0
FETCH_SECONDS = 30.0
DAY_SECONDS = 86_400.0
_OWNER = (("authorization", "Bearer owner"),)  # whom the emulator's rules let pass
_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_HOP_BY_HOP = ("user-agent", "grpc-", ":")

_BatchGetRequest: Any = types.BatchGetDocumentsRequest.pb()
_BatchGetResponse: Any = types.BatchGetDocumentsResponse.pb()
_QueryRequest: Any = types.RunQueryRequest.pb()
_QueryResponse: Any = types.RunQueryResponse.pb()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused for a limit."""

    project: str
    rpc: str
    status: str
    message: str


class Proxy:
    """A strict Firestore before the emulator at ``emulator``. A context manager; serves inside,
    at ``host``. ``weathers`` decide what goes wrong."""

    def __init__(
        self, emulator: str, port: int = 0, limits: Limits | None = None, seed: int = 0
    ) -> None:
        limits = limits or Limits()
        declared = indexes.declared()
        self.weathers = Weathers(seed)
        self._calls: Counter[str] = Counter()
        self._limits = limits
        self._channel = _channel(emulator)
        self._batch_get = self._channel.unary_stream(_method("BatchGetDocuments"))
        self._run_query = self._channel.unary_stream(_method("RunQuery"))
        measure = Measure(declared, limits)
        self._writes = WriteCheck(measure, limits, self._fetch, self._is_empty)
        queries = QueryCheck(declared, limits)
        self._query_checks: Mapping[str, Callable[[bytes], None]] = {
            "RunQuery": queries.query,
            "RunAggregationQuery": queries.aggregation,
        }
        self._refusals: deque[Refusal] = deque(maxlen=REFUSALS_KEPT)
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(THREADS), options=_OPTIONS)
        self._server.add_generic_rpc_handlers((self._firestore(), self._control()))
        self.host = f"127.0.0.1:{self._server.add_insecure_port(f'127.0.0.1:{port}')}"

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
        self._channel.close()

    def refusals(self, project: str | None = None) -> list[Refusal]:
        """What was refused since the last call, of one project or of all."""
        with self._lock:
            found = [each for each in self._refusals if project in (None, each.project)]
            left = [each for each in self._refusals if each not in found]
            self._refusals = deque(left, maxlen=REFUSALS_KEPT)
        return found

    def _firestore(self) -> Any:
        handlers = {
            **{rpc: grpc.unary_unary_rpc_method_handler(self._unary(rpc)) for rpc in UNARY},
            **{
                rpc: grpc.unary_stream_rpc_method_handler(self._stream(rpc))
                for rpc in ANSWERED_BY_STREAM
            },
            **{rpc: grpc.stream_stream_rpc_method_handler(self._streams(rpc)) for rpc in STREAMS},
        }
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    def _control(self) -> Any:
        weathers = self.weathers

        def changing(
            change: Callable[[Weather, Any], None], made: Callable[..., object]
        ) -> Callable[..., None]:
            return lambda project, **fields: change(weathers.to_change(project), made(**fields))

        commands: Mapping[str, Callable[..., object]] = {
            "clear": weathers.clear,
            "fault": changing(Weather.add_fault, Fault),
            "latency": changing(Weather.add_latency, Latency),
            "contention": changing(Weather.set_contention, Contention),
            "injected": lambda project: weathers.of(project or "").injected(),
            "refusals": lambda **of: [asdict(each) for each in self.refusals(**of)],
            "calls": lambda: dict(self._calls),
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(_commanded(command))
            for name, command in commands.items()
        }
        return grpc.method_handlers_generic_handler(CONTROL, handlers)

    def _unary(self, rpc: str) -> Callable[[bytes, Any], bytes]:
        call = self._channel.unary_unary(_method(rpc))

        def forward(request: bytes, context: Any) -> bytes:
            with self._answering(rpc, context):
                self._check_size(request)
                checked = self._writes.check(request) if rpc in WRITES else Checked()
                weather = self._weather(rpc, context)
                fault = weather.fault(rpc, checked.names)
                with weather.writing(checked.names):
                    weather.delay(rpc)
                    if fault and not fault.applied:
                        raise answer(fault)
                    self._writes.unknown(checked)
                    reply: bytes = call(request, **_passed_on(context))
                    self._writes.applied(checked)
                if fault:
                    raise answer(fault)
                return reply
            raise AssertionError("an aborted call goes on")

        return forward

    def _stream(self, rpc: str) -> Callable[[bytes, Any], Iterator[bytes]]:
        call = self._channel.unary_stream(_method(rpc))
        check = self._query_checks.get(rpc)

        def forward(request: bytes, context: Any) -> Iterator[bytes]:
            with self._answering(rpc, context):
                self._check_size(request)
                if check:
                    check(request)
                weather = self._weather(rpc, context)
                fault = weather.fault(rpc)
                weather.delay(rpc)
                if fault and not fault.applied:
                    raise answer(fault)
                answers = call(request, **_passed_on(context))
                context.add_callback(answers.cancel)
                for each in answers:
                    yield each
                    if fault:
                        raise answer(fault)

        return forward

    def _streams(self, rpc: str) -> Callable[[Iterator[bytes], Any], Iterator[bytes]]:
        call = self._channel.stream_stream(_method(rpc))

        def forward(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
            with self._answering(rpc, context):
                if fault := self._weather(rpc, context).fault(rpc):
                    raise answer(fault)
                answers = call(requests, **_passed_on(context))
                context.add_callback(answers.cancel)
                yield from answers

        return forward

    @contextmanager
    def _answering(self, rpc: str, context: Any) -> Iterator[None]:
        """Ends the call as the error says that is raised inside."""
        try:
            yield
        except Refused as refused:
            self._note(rpc, refused, context)
            context.abort(refused.status, refused.message)
        except grpc.RpcError as error:
            failed: Any = error
            context.set_trailing_metadata(failed.trailing_metadata() or ())
            if failed.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                # A message that is too large for it. Its client would try again for a minute.
                context.abort(
                    grpc.StatusCode.UNIMPLEMENTED, f"The emulator cannot: {failed.details()}"
                )
            context.abort(failed.code(), failed.details())

    def _note(self, rpc: str, refused: Refused, context: Any) -> None:
        if not refused.by_limit:
            return
        refusal = Refusal(_project(context), rpc, refused.status.name, refused.message)
        with self._lock:
            self._refusals.append(refusal)
        sys.stderr.write(f"{json.dumps(asdict(refusal))}\n")

    def _weather(self, rpc: str, context: Any) -> Weather:
        """What holds for a call that was not refused, which is counted."""
        with self._lock:
            self._calls[rpc] += 1
        return self.weathers.of(_project(context))

    def _check_size(self, request: bytes) -> None:
        if len(request) > self._limits.request:
            raise invalid(f"Request payload size exceeds the limit: {self._limits.request} bytes.")

    def _fetch(self, names: list[str]) -> dict[str, Any]:
        database = names[0].partition("/documents/")[0]
        request = _BatchGetRequest(database=database, documents=names)
        answers = self._batch_get(
            request.SerializeToString(), timeout=FETCH_SECONDS, metadata=_OWNER
        )
        found = map(_BatchGetResponse.FromString, answers)
        return {each.found.name: each.found for each in found if each.HasField("found")}

    def _is_empty(self, database: str) -> bool:
        request = _QueryRequest(parent=f"{database}/documents", structured_query=_anything())
        answers = self._run_query(
            request.SerializeToString(), timeout=FETCH_SECONDS, metadata=_OWNER
        )
        return not any(_QueryResponse.FromString(each).HasField("document") for each in answers)


def _anything() -> Any:
    query = types.StructuredQuery(
        from_=[{"all_descendants": True}], select={"fields": [{"field_path": "__name__"}]}, limit=1
    )
    return types.StructuredQuery.pb(query)


def _project(context: Any) -> str:
    """The project of a call; empty where its client does not say."""
    metadata = dict(context.invocation_metadata())
    return project_of(metadata.get("google-cloud-resource-prefix", "//"))


def _passed_on(context: Any) -> dict[str, Any]:
    """Deadline and metadata of a call, as arguments of the one to the emulator."""
    metadata = tuple(
        (key, value)
        for key, value in context.invocation_metadata()
        if not key.startswith(_HOP_BY_HOP)
    )
    # Without a deadline grpc tells of 300,000,000,000 years, and takes no more than a few.
    return {"timeout": min(context.time_remaining(), DAY_SECONDS), "metadata": metadata}


def _channel(host: str) -> Any:
    # Typed, a channel asks for serializers; without them it passes bytes.
    options = [*_OPTIONS, (ChannelOptions.SingleThreadedUnaryStream, 1)]
    return grpc.insecure_channel(host, options=options)


def _method(rpc: str) -> str:
    return f"/{SERVICE}/{rpc}"


def _commanded(command: Callable[..., object]) -> Callable[[bytes, Any], bytes]:
    def control(request: bytes, context: Any) -> bytes:
        try:
            return json.dumps(command(**json.loads(request))).encode()
        except (KeyError, TypeError, ValueError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, repr(error))
            raise

    return control
