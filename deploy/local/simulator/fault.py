"""The ways a POS, or a loyalty provider (endpoint ``wallet``), fails on request."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

Endpoint = Literal[
    "auth",
    "customers",
    "orders",
    "products",
    "inventory",
    "discounts",
    "metadata",
    "location",
    "batch",
    "wallet",
    "writes",
    "webhooks",
]


class _Fault(BaseModel):
    """``org`` and ``endpoint`` narrow where it strikes, ``page`` to one page of a listing.
    ``after`` matching calls pass first, then it strikes ``count`` times (None: until cleared)."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    org: str | None = None
    endpoint: Endpoint | None = None
    page: int | None = None
    after: int = Field(default=0, ge=0)
    count: int | None = Field(default=None, ge=1)


class Latency(_Fault):
    """Each call takes ``ms`` milliseconds longer."""

    kind: Literal["latency"]
    ms: float = Field(gt=0)


class Unauthorized(_Fault):
    """Calls are answered 401, whatever their token."""

    kind: Literal["unauthorized"]


class TokensWithdrawn(_Fault):
    """The org's tokens issued so far are refused from the call that it strikes on, that one
    included."""

    kind: Literal["tokens_withdrawn"]
    count: int | None = 1


class RateLimited(_Fault):
    """429 with ``Retry-After``, in seconds or as an HTTP date; None leaves the header out."""

    kind: Literal["rate_limited"]
    retry_after: int | None = 1
    form: Literal["seconds", "date"] = "seconds"


class ServerError(_Fault):
    """A 5xx (or any other error status)."""

    kind: Literal["server_error"]
    status: int = Field(default=500, ge=400, le=599)


class TimeOut(_Fault):
    """The connection stays open without an answer for ``seconds``, then comes a 504."""

    kind: Literal["timeout"]
    seconds: float = Field(gt=0)


class LateAnswer(_Fault):
    """The POS does what it is asked at once, and answers ``seconds`` later."""

    kind: Literal["late_answer"]
    seconds: float = Field(gt=0)


class SlowHeaders(_Fault):
    """For ``seconds`` a header comes in, a byte every ``ms`` milliseconds; then the answer."""

    kind: Literal["slow_headers"]
    ms: float = Field(default=50, gt=0)
    seconds: float = Field(gt=0)


class EndlessContinue(_Fault):
    """For ``seconds`` a ``100 Continue`` comes every ``ms`` milliseconds; then the answer."""

    kind: Literal["endless_continue"]
    ms: float = Field(default=50, gt=0)
    seconds: float = Field(gt=0)


class RowFlood(_Fault):
    """The reply's list is one of ``rows`` rows, each 0 or an empty object."""

    kind: Literal["row_flood"]
    rows: int = Field(default=1_500_000, ge=1)
    row: Literal["zero", "object"] = "zero"


class DeepNesting(_Fault):
    """The reply is a list within a list, and so on: ``levels`` of them."""

    kind: Literal["deep_nesting"]
    levels: int = Field(default=900, ge=1)


class DecompressionBomb(_Fault):
    """The reply is a thousandth of the ``megabytes`` that it unpacks to."""

    kind: Literal["decompression_bomb"]
    megabytes: int = Field(default=50, ge=1)


class TruncatedJson(_Fault):
    """The reply's body ends half way; its status is 200."""

    kind: Literal["truncated_json"]


class RepeatedPage(_Fault):
    """Page n (from 2 on) brings what page n-1 brought."""

    kind: Literal["repeated_page"]


class ShortPage(_Fault):
    """A page brings only its first ``keep`` records; its total stays true."""

    kind: Literal["short_page"]
    keep: int = Field(ge=0)


class EmptyList(_Fault):
    """The listing is empty, and so is its total."""

    kind: Literal["empty_list"]


class HalvedList(_Fault):
    """The listing has only the first half of its records; ``true_total`` keeps the true number
    in its total."""

    kind: Literal["halved_list"]
    true_total: bool = False


class Malformed(_Fault):
    """``records`` records of the listing, from position ``first`` (0-based) on, are damaged."""

    kind: Literal["malformed"]
    damage: Literal["missing_id", "text_for_number", "null_dates", "not_an_object"]
    records: int = Field(default=1, ge=1)
    first: int = Field(default=0, ge=0)


Fault = Annotated[
    Latency
    | Unauthorized
    | TokensWithdrawn
    | RateLimited
    | ServerError
    | TimeOut
    | LateAnswer
    | SlowHeaders
    | EndlessContinue
    | RowFlood
    | DeepNesting
    | DecompressionBomb
    | TruncatedJson
    | RepeatedPage
    | ShortPage
    | EmptyList
    | HalvedList
    | Malformed,
    Field(discriminator="kind"),
]

read_fault: TypeAdapter[Fault] = TypeAdapter(Fault)
