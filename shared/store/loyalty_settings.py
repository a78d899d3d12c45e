"""``loyaltySettings`` and ``alpineIq`` of ``tenants/{orgId}``.

Read apart from the other settings: an org whose loyalty settings are wrong is still synced, and
one whose Alpine IQ account is wrong still has its points calculated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from shared.domain.loyalty import DEFAULT_TIERS, LoyaltyRules, Tier
from shared.errors import ConfigurationInvalid, at_fault
from shared.loyalty.settings import AlpineIqSettings
from shared.store import paths
from shared.store.database import Database

M = TypeVar("M", bound=BaseModel)


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class _Tier(_Frozen):
    id: str = Field(min_length=1)
    name: str = ""
    threshold: int
    color: str = ""


class _Settings(_Frozen):
    points_per_dollar: Decimal = Field(default=LoyaltyRules().points_per_dollar, ge=0)
    equity_multiplier: Decimal = Field(default=LoyaltyRules().equity_multiplier, ge=0)
    tiers: tuple[_Tier, ...] | None = None
    discrepancy_threshold: Decimal = Field(default=LoyaltyRules().discrepancy_threshold, ge=0)


@dataclass(frozen=True, slots=True)
class TenantLoyalty:
    """What an org's document says of loyalty, as stored. The methods raise ConfigurationInvalid
    naming each field at fault."""

    where: str
    fields: Mapping[str, Any]

    def rules(self) -> LoyaltyRules:
        """The org's programme; what it leaves out is as by default."""
        given = self._read("loyaltySettings", _Settings) or _Settings()
        tiers: tuple[Tier, ...] = DEFAULT_TIERS
        if given.tiers is not None:
            tiers = tuple(Tier(t.id, t.name or t.id, t.threshold, t.color) for t in given.tiers)
        return LoyaltyRules(
            given.points_per_dollar, given.equity_multiplier, tiers, given.discrepancy_threshold
        )

    def alpine_iq(self) -> AlpineIqSettings | None:
        """The org's account at Alpine IQ, None where it has none. Its key may be a reference."""
        return self._read("alpineIq", AlpineIqSettings)

    def _read(self, name: str, model: type[M]) -> M | None:
        stored = self.fields.get(name)
        if stored is None:
            return None
        try:
            return model.model_validate(stored)
        except ValidationError as error:
            raise ConfigurationInvalid(
                f"{name} in {self.where} is not valid: {at_fault(error)}"
            ) from None


def read(database: Database, org_id: str) -> TenantLoyalty:
    """What the org's document says of loyalty. One read."""
    where = paths.tenant(org_id)
    return TenantLoyalty(where, database.get(where).fields)
