"""Eventarc's place in the local cloud: brings Pub/Sub messages and Firestore changes to functions.

    topic ── push subscription ──────────────┐
    document ── trigger ── transport topic ── push subscription ── here ── the function's process

Firestore events travel over Pub/Sub here as they do in production: so they are retried and
dead-lettered by the same policies.
"""

import threading
import time
from dataclasses import dataclass

import urllib3
from flask import Flask, Response, request
from werkzeug.serving import WSGIRequestHandler, make_server

from deploy.local.cloudevents import Event, attributes_of, from_push
from deploy.local.journal import Journal
from deploy.local.relay import Relay

# Cloud Run holds a request this long while an instance starts.
START_SECONDS = 10.0
RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Route:
    """Where a function's events come from and go to."""

    topic: str
    url: str
    timeout_seconds: float


class Eventarc:
    """The server. Changed documents that a trigger matched go on with the relay."""

    def __init__(self, relay: Relay, journal: Journal) -> None:
        self._routes: dict[str, Route] = {}
        self._relay = relay
        self._journal = journal
        self._closing = False
        self._pool = urllib3.PoolManager()
        self._server = make_server("127.0.0.1", 0, self._app(), True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def push_endpoint(self, function: str) -> str:
        """Where the function's subscription pushes to."""
        return f"http://{self.host}/push/{function}"

    def route(self, function: str, route: Route) -> None:
        self._routes[function] = route

    def close(self) -> None:
        self._closing = True
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _app(self) -> Flask:
        app = Flask("eventarc")
        app.add_url_rule("/push/<function>", view_func=self._pushed, methods=["POST"])
        app.add_url_rule(
            "/functions/projects/<project>/triggers/<function>",
            view_func=self._document_changed,
            methods=["POST"],
        )
        return app

    def _pushed(self, function: str) -> Response:
        route = self._routes[function]
        event = from_push(request.get_json(), route.topic)
        started = time.monotonic()
        status = self._deliver(event, route)
        seconds = round(time.monotonic() - started, 3)
        self._journal.write(
            "delivered", function=function, event_id=event.id, status=status, seconds=seconds
        )
        return Response(status=status)

    def _document_changed(self, project: str, function: str) -> Response:
        data = request.get_data(as_text=True)
        self._relay.carry(function, data, attributes_of(dict(request.headers)))
        return Response(status=204)

    def _deliver(self, event: Event, route: Route) -> int:
        """The function's own answer, 504 when it takes too long, 503 when there is none."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self._post(event, route)
            except urllib3.exceptions.NewConnectionError:
                if self._closing or time.monotonic() > deadline:
                    return 503
                time.sleep(RETRY_SECONDS)
            except urllib3.exceptions.TimeoutError:
                return 504
            except urllib3.exceptions.HTTPError:
                return 503

    def _post(self, event: Event, route: Route) -> int:
        # A connection each: one kept open may be closed by the function just as it is used.
        headers = {**event.headers, "connection": "close"}
        timeout = urllib3.Timeout(connect=START_SECONDS, read=route.timeout_seconds)
        reply = self._pool.request(
            "POST",
            route.url,
            body=event.body,
            headers=headers,
            timeout=timeout,
            retries=False,
            redirect=False,
        )
        return reply.status


class _Quiet(WSGIRequestHandler):
    """The journal tells of each delivery; the console need not."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""
