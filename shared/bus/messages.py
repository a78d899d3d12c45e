"""The messages by which functions talk. JSON, camelCase, frozen."""

from datetime import date
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError

from shared.domain.ids import is_document_id
from shared.domain.providers import Provider
from shared.errors import InvalidMessage, at_fault
from shared.models import FrozenCamelModel


def _document_id(text: str) -> str:
    if not is_document_id(text):
        raise ValueError("not usable as the id of a document")
    return text


DocumentId = Annotated[str, AfterValidator(_document_id)]
StreamName = Literal["customers", "orders", "products", "discounts", "metadata"]
STREAMS: tuple[str, ...] = get_args(StreamName)
Trigger = Literal["cron", "manual", "webhook", "continuation"]


class Message(FrozenCamelModel):
    """Base of all messages."""

    @classmethod
    def parse(cls, data: object) -> Self:
        """The message in a decoded JSON object. Raises InvalidMessage naming what is wrong."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InvalidMessage(f"not a {cls.__name__}: {at_fault(error)}") from None

    def to_json(self) -> dict[str, Any]:
        """The message as a JSON object, defaults left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class CronTick(Message):
    """A schedule is due; for one org if ``org_id`` is given. ``spread_seconds``: over how long the
    messages of all orgs are spread, 0 for at once; one org's is published at once."""

    job: Literal["pos-sync", "loyalty", "segments", "watchdog", "verify", "weekly-metrics"]
    org_id: DocumentId | None = None
    spread_seconds: int = Field(default=0, ge=0, le=86_400)


class PosSync(Message):
    """Sync one org. ``streams`` None means all; ``full`` ignores what the manifests say. With ids
    of records, only these are fetched."""

    org_id: DocumentId
    run_id: DocumentId
    trigger: Trigger
    full: bool = False
    allow_deletions: bool = False
    approved_removals: tuple[str, ...] = ()
    """Ids of removals that are held and may be made (domain.removal)."""
    dry_run: bool = False
    streams: tuple[StreamName, ...] | None = None
    requested_by: str | None = None
    customer_ids: tuple[DocumentId, ...] | None = None
    order_ids: tuple[DocumentId, ...] | None = None
    product_ids: tuple[DocumentId, ...] | None = None
    as_stored: bool = False
    """Only refresh the sales from the stored discounts: the POS is not called."""
    if_active: bool = False
    """The org was active when this was sent: if it is no more, that is no error."""
    provider: Provider | None = None
    """Only at this provider. None: at all of the org's; of records that are named, at its only one,
    or Alleaves; of sales, at Alleaves."""

    @property
    def names_records(self) -> bool:
        return bool(self.customer_ids or self.order_ids or self.product_ids)


class ComputeSpending(Message):
    """Recompute the spending of the customers named, or of all (None). ``request_id``: nothing is
    to be done if that request is no longer stored; one that is part of another says more than
    the message. ``part_of``: the request that waits for it."""

    org_id: DocumentId
    request_id: DocumentId | None = None
    part_of: DocumentId | None = None
    run_id: DocumentId | None = None
    customer_ids: tuple[DocumentId, ...] | None = None


class AgeSegments(Message):
    """Rewrite the segments of the org's customers whose last order has become too old for them."""

    org_id: DocumentId


class ReportMetrics(Message):
    """Report the metrics of the org's customers as of a moment, unless a report of that moment or
    a later one is there."""

    org_id: DocumentId
    as_of: AwareDatetime


class VerifyOrg(Message):
    """Verify what is stored of the org, unless that was done this ``night``, whose date in UTC it
    is."""

    org_id: DocumentId
    night: date


class Loyalty(Message):
    """Update the points of the customers named, or of all (None)."""

    org_id: DocumentId
    run_id: DocumentId | None = None
    customer_ids: tuple[DocumentId, ...] | None = None
