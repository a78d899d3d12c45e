"""The forms in which customers and segments are answered. Money in dollars; times in UTC.

Their fields are named as in Firestore: an answer is made of a document's fields.
"""

from datetime import datetime

from pydantic import field_validator

from shared.domain.customers import identifies
from shared.domain.segmentation import Segment
from shared.web.reply import Answer


class Figures(Answer):
    """What has been spent. All are absent as long as it is unknown: never zeros instead."""

    total_spent: float | None = None
    order_count: int | None = None
    avg_order_value: float | None = None
    first_order_date: datetime | None = None
    last_order_date: datetime | None = None


class CustomerView(Figures):
    """A customer in a list."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    segment: Segment | None = None
    segment_reason: str | None = None
    predicted_lifetime_value: float | None = None
    loyalty_tier: str | None = None
    points: int | None = None
    duplicate_of: str | None = None

    @field_validator("email")
    @classmethod
    def _no_placeholder(cls, email: str | None) -> str | None:
        return email if identifies(email) else None


class CustomerPage(Answer):
    """Some customers. Without ``nextCursor`` it is the last page."""

    items: list[CustomerView]
    next_cursor: str | None


class Liked(Answer):
    """A product often bought."""

    product_id: str | None = None
    name: str


class PreferencesView(Answer):
    """What the customer likes, the most bought first."""

    favorite_category: str | None = None
    categories: list[str]
    products: list[Liked]
    price_band: str


class Scores(Answer):
    """From 1 (worst) to 5 (best)."""

    recency: int
    frequency: int
    monetary: int


class QuantileScores(Scores):
    """By the place among all customers, as they were then."""

    as_of: datetime


class RfmView(Answer):
    """Days since the last counted order, number of counted orders, dollars; as of a moment."""

    recency_days: int
    frequency: int
    monetary: float
    as_of: datetime
    scores: Scores
    quantiles: QuantileScores | None = None


class RecommendedProduct(Answer):
    """A product that can be bought now."""

    product_id: str
    score: int
    name: str | None = None
    category: str | None = None
    price: float | None = None
    image_url: str | None = None


class PersonView(Figures):
    """All records of one person together."""

    customer_ids: list[str]


class CustomerAnswer(CustomerView):
    """A customer with all that is known. ``person`` is there where several records are one person,
    of whom the one that ``duplicateOf`` names stands for the others, its ``duplicateIds``."""

    date_of_birth: str | None = None
    social_equity: bool | None = None
    duplicate_ids: list[str] | None = None
    preferences: PreferencesView | None = None
    rfm: RfmView | None = None
    recommendations: list[RecommendedProduct]
    person: PersonView | None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class SegmentView(Answer):
    """One segment."""

    segment: Segment
    customers: int
    revenue: float


class SegmentsAnswer(Answer):
    """Every segment, those with nobody in them too, and all of them together."""

    segments: list[SegmentView]
    customers: int
    revenue: float
