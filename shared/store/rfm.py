"""An org's RFM scales: its own thresholds (``rfm`` in ``tenants/{orgId}``), and the quantiles of
its customers (``sync_state/rfm``) as of the last recompute of all."""

from typing import Any

import structlog

from shared.domain.customer_scores import ScoringScales
from shared.domain.money import to_cents, to_dollars
from shared.domain.rfm import DEFAULT_THRESHOLDS, QuantileScale, RfmThresholds
from shared.errors import ConfigurationInvalid
from shared.models import CamelModel
from shared.store import paths
from shared.store.database import Database, Put

QUANTILES = ("recency", "frequency", "monetary")

log = structlog.get_logger(__name__)


class _Bounds(CamelModel):
    """Thresholds as an org sets them: days, orders, dollars."""

    recency_days: tuple[int, ...] = DEFAULT_THRESHOLDS.recency_days
    frequency: tuple[int, ...] = DEFAULT_THRESHOLDS.frequency
    monetary: tuple[float, ...] = tuple(map(to_dollars, DEFAULT_THRESHOLDS.monetary_cents))


def scales(database: Database, org_id: str) -> ScoringScales:
    """The scales by which the org's customers are scored.

    Thresholds that are not valid are logged and the default ones used: a mistake in a setting
    must not stop the spending of all customers.
    """
    settings, quantiles = paths.tenant(org_id), paths.rfm_scale(org_id)
    found = database.get_all([settings, quantiles])
    thresholds = _thresholds(found[settings].fields.get("rfm"))
    stored = found[quantiles].fields
    if not stored:
        return ScoringScales(thresholds)
    bounds = {name: tuple(stored[name]) for name in QUANTILES}
    return ScoringScales(thresholds, QuantileScale(**bounds, as_of=stored["asOf"]))


def put(org_id: str, scale: QuantileScale) -> Put:
    """The write for the quantiles; money in cents."""
    quantiles = {name: getattr(scale, name) for name in QUANTILES}
    return Put(paths.rfm_scale(org_id), {**quantiles, "asOf": scale.as_of})


def _thresholds(settings: Any) -> RfmThresholds:
    if settings is None:
        return DEFAULT_THRESHOLDS
    try:
        bounds = _Bounds.model_validate(settings)
        monetary_cents = tuple(map(to_cents, bounds.monetary))
        return RfmThresholds(bounds.recency_days, bounds.frequency, monetary_cents)
    except (ValueError, ConfigurationInvalid) as error:
        log.warning("rfm_settings_invalid", reason=type(error).__name__)
        return DEFAULT_THRESHOLDS
