"""An org's own settings, ``tenants/{orgId}``. All optional."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.alias_generators import to_camel

from shared.errors import ConfigurationInvalid, at_fault
from shared.store import paths
from shared.store.database import Database


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


Factor = Annotated[Decimal, Field(gt=0, le=100)]


class SyncSettings(_Settings):
    """How an org is synced. ``markups`` are its own factors on cost by category (domain.pricing)
    for products that the POS gives no price."""

    orders_since: date = date(2020, 1, 1)
    lookback_days: int = Field(default=90, ge=1, le=3660)
    max_delete_percent: float = Field(default=20, ge=0, le=100)
    markups: dict[str, Factor] = {}


class TenantSettings(_Settings):
    """What a tenant's document says to Sync Sam."""

    sync: SyncSettings = SyncSettings()


def read(database: Database, org_id: str) -> TenantSettings:
    """The org's settings. Raises ConfigurationInvalid naming each field at fault."""
    try:
        return TenantSettings.model_validate(database.get(paths.tenant(org_id)).fields)
    except ValidationError as error:
        raise ConfigurationInvalid(
            f"the settings in {paths.tenant(org_id)} are not valid: {at_fault(error)}"
        ) from None


def alert_urls(database: Database, org_id: str) -> list[SecretStr]:
    """The org's notification URLs. What else its settings hold, valid or not, does not matter:
    an alert may be about just that."""
    alerts = database.get(paths.tenant(org_id)).fields.get("alerts")
    urls = alerts.get("urls") if isinstance(alerts, dict) else None
    listed = urls if isinstance(urls, list) else []
    return [SecretStr(url) for url in listed if isinstance(url, str) and url]
