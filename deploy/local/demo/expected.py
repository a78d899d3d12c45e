"""What should be stored of an org, by the data of its POS and by nothing of the product."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.local.simulator.lightspeed.truth import RetailerTruth
from deploy.local.simulator.truth import Figures, Truth

Data = Mapping[str, Sequence[dict[str, Any]]]


@dataclass(frozen=True)
class Expected:
    """``orders`` are those to be stored, of each channel as many as ``channels`` says; ``skipped``
    ones are nobody's. ``figures`` are by customer id."""

    orders: int
    skipped: int
    products: int
    figures: Mapping[str, Figures]
    channels: Mapping[str, int]


def at_alleaves(data: Data, zone: str) -> Expected:
    """An org whose POS is Alleaves."""
    truth = Truth(data, zone)
    orders = len(data["orders"]) - truth.skipped
    products = len({row["id_item"] for row in data["inventory"]})
    figures = {str(customer): found for customer, found in truth.figures.items()}
    stored = (each for each in data["orders"] if each["id_order"] not in truth.skip_reasons)
    channels = Counter("retail" if each["type"] == "retail" else "ecom" for each in stored)
    return Expected(orders, truth.skipped, products, figures, channels)


def at_lightspeed(data: Data, zone: str, *, imported: bool) -> Expected:
    """An org whose POS is Lightspeed. Of its eCom orders those that have arrived; all of them once
    their export was ``imported``."""
    truth = RetailerTruth(data if imported else {**data, "ecom": ()}, zone)
    sold = sum(row["is_active"] and not row["deleted_at"] for row in data["products"])
    return Expected(len(truth.orders), truth.skipped, sold, truth.figures, truth.channels())
