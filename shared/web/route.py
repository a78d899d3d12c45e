"""One route: what it takes, what it answers, and who may call it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from werkzeug.datastructures import Headers

from shared.errors import RequestRefused
from shared.web.caller import Caller
from shared.web.reply import Answer, Reply
from shared.web.rules import OrgRule, Rule

KIB = 1024
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Shape = type[Answer] | str
"""A model, or the media type of an answer that is no JSON."""

_NAME = re.compile(r"{(\w+)}")


class Params(BaseModel):
    """Base of a route's path and query parameters: those named in its path stand there."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class NoParams(Params):
    """Neither path nor query parameters."""


class Body(BaseModel):
    """Base of JSON request bodies. An absent body is an empty object."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class NoBody(Body):
    """A request without a body."""


class RawBody(Body):
    """A body that the handler reads itself, as bytes (``Call.raw``). Its fields only describe it:
    nothing is checked here."""

    model_config = ConfigDict(frozen=True, extra="allow")

    media_type: ClassVar[str] = "application/json"


P = TypeVar("P", bound=Params)
B = TypeVar("B", bound=Body)


@dataclass(frozen=True, slots=True)
class Cached:
    """How long an answer may be kept; ``public`` by proxies too. It bears an ETag."""

    seconds: int
    public: bool = False

    @property
    def header(self) -> str:
        return f"{'public' if self.public else 'private'}, max-age={self.seconds}"


@dataclass(frozen=True, slots=True)
class Call(Generic[P, B]):
    """A request that has passed its route's rule and models.

    ``org_id`` is the org that the caller was let in for, spelled as it is stored; empty where
    the rule is about no org. ``if_none_match`` holds the ETags that the caller has.
    """

    caller: Caller
    org_id: str
    params: P
    body: B
    raw: bytes
    headers: Headers
    request_id: str
    if_none_match: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[P, B]):
    """A route. There is no route without a rule: leaving it out is an error.

    ``path`` names its parameters in braces, as the fields of ``params`` are spelled outside
    (camelCase). ``answers`` are the statuses it answers with when all is well; ``errors`` are
    those it may raise beside what holds for every route (openapi.py). Raises ValueError where
    path, models and rule do not fit together.
    """

    method: Method
    path: str
    rule: Rule
    summary: str
    params: type[P]
    body: type[B]
    answers: Sequence[tuple[int, Shape]]
    handler: Callable[[Call[P, B]], Reply]
    errors: Sequence[type[RequestRefused]] = ()
    max_body: int = 16 * KIB
    cached: Cached | None = None

    def __post_init__(self) -> None:
        declared = {info.alias for info in self.params.model_fields.values()}
        if missing := set(self.path_names) - declared:
            raise ValueError(f"{self.name}: no field for {', '.join(sorted(missing))}")
        fields = {*self.params.model_fields, *self.body.model_fields}
        if isinstance(self.rule, OrgRule) and "org_id" not in fields:
            raise ValueError(f"{self.name}: its rule needs the field orgId")
        if not self.answers:
            raise ValueError(f"{self.name}: it answers nothing")
        if self.takes_body and self.method == "GET":
            raise ValueError(f"{self.name}: a GET has no body")

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def path_names(self) -> list[str]:
        """The parameters in the path."""
        return _NAME.findall(self.path)

    @property
    def takes_body(self) -> bool:
        return self.body is not NoBody
