"""What pages read: the JSON routes, called in process as the person who looks at the page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from shared.web.auth import Caller
from shared.web.response import ResponseModel
from shared.web.routing import Route, call_in_process

M = TypeVar("M", bound=ResponseModel)


class ReadableRoutes:
    """The GETs that answer with JSON, by path."""

    def __init__(self, routes: Iterable[Route[Any, Any]]) -> None:
        self._by_path = {route.path: route for route in routes if route.method == "GET"}

    def of(self, path: str) -> Route[Any, Any]:
        """The route at a path, which is spelled as where it is declared. Raises KeyError."""
        return self._by_path[path]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads for one page. The caller has been identified by the page's rule; each route's own rule
    still says whether they may read it, and about which org."""

    routes: ReadableRoutes
    caller: Caller
    request_id: str

    def get(self, path: str, model: type[M], **given: object) -> M:
        """What the route at ``path`` answers; ``given`` are its parameters by their aliases, None
        being left out. Raises what the route raises: the page then shows the error."""
        sent = {name: _text(value) for name, value in given.items() if value is not None}
        reply = call_in_process(self.routes.of(path), self.caller, sent, self.request_id)
        if not isinstance(reply.body, model):
            raise TypeError(f"{path} does not answer with {model.__name__}")
        return reply.body


def _text(value: object) -> str:
    """A parameter as a query has it."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def query_of(given: Mapping[str, Any], **changed: object) -> dict[str, str]:
    """The parameters of a link to the same list, changed; None and blank are left out."""
    merged = {**given, **changed}
    return {name: _text(value) for name, value in merged.items() if value not in (None, "")}
