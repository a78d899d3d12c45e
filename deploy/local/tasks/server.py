"""A Cloud Tasks server for the calls that Sync Sam makes, over gRPC, in memory.

Google has no emulator of it. Faithful are: names that stay taken for an hour after their task,
``schedule_time``, dispatch deadlines, retries with the queue's back-off, rate limits, the headers
of an attempt, and what is refused. Credentials that a task carries are not sent.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.cloud import tasks_v2
from google.protobuf import empty_pb2

from deploy.local.journal import Journal
from deploy.local.tasks.checks import fault
from deploy.local.tasks.convert import queue_message, queue_settings
from deploy.local.tasks.dispatcher import Dispatcher
from deploy.local.tasks.names import QUEUE, invent, queue_of
from deploy.local.tasks.state import NameTaken
from deploy.resources import Queue

SERVICE = "google.cloud.tasks.v2.CloudTasks"
Context = grpc.ServicerContext
Code = grpc.StatusCode


class CloudTasks:
    """The server. Queues are made here, by ``create_queue``, or over gRPC."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._queues: dict[str, Dispatcher] = {}
        self._server = grpc.server(ThreadPoolExecutor(8, thread_name_prefix="cloud-tasks-rpc"))
        self._server.add_generic_rpc_handlers((self._handlers(),))
        self._port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._port}"

    def create_queue(self, name: str, settings: Queue) -> None:
        """Add a queue by its full name."""
        self._queues[name] = Dispatcher(name, settings, self._journal)

    def close(self) -> None:
        self._server.stop(grace=None).wait()
        for queue in self._queues.values():
            queue.close()

    def _handlers(self) -> "grpc.GenericRpcHandler[Any, Any]":
        unary: dict[str, tuple[Callable[[Any, Context], Any], Any, Any]] = {
            "CreateTask": (self._create_task, tasks_v2.CreateTaskRequest, tasks_v2.Task),
            "GetTask": (self._get_task, tasks_v2.GetTaskRequest, tasks_v2.Task),
            "DeleteTask": (self._delete_task, tasks_v2.DeleteTaskRequest, None),
            "CreateQueue": (self._create_queue, tasks_v2.CreateQueueRequest, tasks_v2.Queue),
            "GetQueue": (self._get_queue, tasks_v2.GetQueueRequest, tasks_v2.Queue),
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    behaviour,
                    request_deserializer=asked.deserialize,
                    response_serializer=(
                        answered.serialize if answered else empty_pb2.Empty.SerializeToString
                    ),
                )
                for name, (behaviour, asked, answered) in unary.items()
            },
        )

    def _create_task(self, request: Any, context: Context) -> Any:
        task, now = request.task, time.time()
        queue = self._queue(request.parent, context)
        if wrong := fault(task, request.parent, now):
            context.abort(Code.INVALID_ARGUMENT, wrong)
        task.name = task.name or invent(request.parent)
        task.create_time = now_stamp = _stamp(now)
        if "schedule_time" not in task or task.schedule_time.timestamp() < now:
            task.schedule_time = now_stamp
        try:
            queue.create(task, task.schedule_time.timestamp())
        except NameTaken:
            context.abort(Code.ALREADY_EXISTS, "The task cannot be created: its name is taken")
        return _shown(task, request.response_view)

    def _get_task(self, request: Any, context: Context) -> Any:
        task = self._queue(queue_of(request.name), context).get(request.name)
        if task is None:
            context.abort(Code.NOT_FOUND, "The task does not exist")
        return _shown(task, request.response_view)

    def _delete_task(self, request: Any, context: Context) -> Any:
        if not self._queue(queue_of(request.name), context).delete(request.name):
            context.abort(Code.NOT_FOUND, "The task does not exist")
        return empty_pb2.Empty()

    def _create_queue(self, request: Any, context: Context) -> Any:
        name = request.queue.name
        if not QUEUE.match(name) or not name.startswith(f"{request.parent}/queues/"):
            context.abort(Code.INVALID_ARGUMENT, "Queue name is not well-formed")
        if name in self._queues:
            context.abort(Code.ALREADY_EXISTS, "Queue already exists")
        self.create_queue(name, queue_settings(request.queue))
        return queue_message(name, self._queues[name].settings)

    def _get_queue(self, request: Any, context: Context) -> Any:
        return queue_message(request.name, self._queue(request.name, context).settings)

    def _queue(self, name: str | None, context: Context) -> Dispatcher:
        if name is None:
            context.abort(Code.INVALID_ARGUMENT, "The name is not well-formed")
        elif name not in self._queues:
            context.abort(Code.NOT_FOUND, "Queue does not exist")
        return self._queues[name or ""]


def _stamp(now: float) -> Any:
    stamp = tasks_v2.Task.pb(tasks_v2.Task()).create_time
    stamp.FromNanoseconds(int(now * 1e9))
    return stamp


def _shown(task: Any, view: Any) -> Any:
    """A copy; only a FULL view shows the body."""
    copy = tasks_v2.Task(tasks_v2.Task.pb(task))
    if view != tasks_v2.Task.View.FULL:
        copy.http_request.body = b""
    return copy
