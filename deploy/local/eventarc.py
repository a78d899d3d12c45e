"""Eventarc's place in the local cloud: takes the changes that the Firestore emulator reports.

    document ── trigger ── here ── transport topic ── subscription ── the function's process

Firestore events travel over Pub/Sub here as they do in production: so they are retried and
dead-lettered by the same policies, and wait in a subscription of their own.
"""

from flask import Flask, Response, request

from deploy.local.cloudevents import attributes_of
from deploy.local.loopback import LoopbackServer
from deploy.local.relay import Relay


class Eventarc:
    """The server. Changed documents that a trigger matched go on with the relay."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._server = LoopbackServer(self._app())

    @property
    def host(self) -> str:
        return self._server.host

    def close(self) -> None:
        self._server.close()

    def _app(self) -> Flask:
        app = Flask("eventarc")
        app.add_url_rule(
            "/functions/projects/<project>/triggers/<function>",
            view_func=self._document_changed,
            methods=["POST"],
        )
        return app

    def _document_changed(self, project: str, function: str) -> Response:
        data = request.get_data(as_text=True)
        self._relay.carry(function, data, attributes_of(dict(request.headers)))
        return Response(status=204)
