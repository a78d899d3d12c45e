"""An org's own settings, ``tenants/{orgId}``. All optional.

Each part is read apart: an org whose loyalty programme is wrong is still synced, and one whose
account at the loyalty provider is wrong still has its points calculated.
"""

import reprlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field, SecretStr, ValidationError

from shared.domain.loyalty import DEFAULT_TIERS, LoyaltyRules, Tier
from shared.domain.notifications import KINDS as NOTIFICATION_KINDS
from shared.errors import ConfigurationInvalid, at_fault
from shared.loyalty.alpine_iq import AlpineIqSettings
from shared.loyalty.port import ProviderSettings
from shared.models import FrozenCamelModel
from shared.store import paths
from shared.store.database import Database, Document, Fields, Write, put_if_version

M = TypeVar("M", bound=BaseModel)
Factor = Annotated[Decimal, Field(gt=0, le=100)]

LOYALTY_PROVIDERS = {"alpineIq": AlpineIqSettings}
"""The settings of each loyalty provider, by their field in an org's document."""
LONGEST_NAME = 200
"""Characters of an org's name that are kept beside its status."""
MOST_IGNORED = 5
"""Mistakes in one list that are named."""


class SyncSettings(FrozenCamelModel):
    """How an org is synced."""

    orders_since: date = Field(
        default=date(2020, 1, 1), description="Oldest day of orders that are fetched."
    )
    lookback_days: int = Field(
        default=90, ge=1, le=3660, description="Days of orders that are listed again once a day."
    )
    max_delete_percent: float = Field(
        default=20,
        ge=0,
        le=100,
        description="Percent of the stored products, orders or customers: a removal of 10 or more "
        "that is of a larger share waits for a person.",
    )
    deleted_customers: Literal["keep", "mark", "erase"] = Field(
        default="mark",
        description="What becomes of a customer whom the POS has deleted, after a complete list: "
        "kept as they are, marked with `removedFromPosAt`, or erased for good.",
    )
    markups: dict[str, Factor] = Field(
        default_factory=dict,
        description="Price as a multiple of cost, by a word in the category or `default`, for "
        "products that the POS gives no price. Beside the built-in ones.",
    )


class TenantSettings(FrozenCamelModel):
    """The settings of a sync. ``notify`` is what the org asks to hear of in ``alerts.notify``;
    ``warnings`` are sentences about what there is ignored. ``name`` may be empty."""

    name: str = ""
    sync: SyncSettings = SyncSettings()
    notify: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


class _Tier(FrozenCamelModel):
    id: str = Field(min_length=1, description="Id of the tier, stored with each customer in it.")
    name: str = Field(default="", description="What people read; empty: the id.")
    threshold: int = Field(description="Points from which on a customer has the tier.")
    color: str = Field(default="", description="Colour for displays, as `#FFD700`.")


class _LoyaltySettings(FrozenCamelModel):
    points_per_dollar: Decimal = Field(
        default=LoyaltyRules().points_per_dollar,
        ge=0,
        description="Points for each dollar of spending that counts.",
    )
    equity_multiplier: Decimal = Field(
        default=LoyaltyRules().equity_multiplier,
        ge=0,
        description="Factor on the points of customers with `socialEquity`.",
    )
    tiers: tuple[_Tier, ...] | None = Field(
        default=None,
        description="The levels of the programme. None: bronze from 0 points, silver from 500, "
        "gold from 1,000.",
    )
    discrepancy_threshold: Decimal = Field(
        default=LoyaltyRules().discrepancy_threshold,
        ge=0,
        description="Share of the provider's figure by which the points may differ before somebody "
        "has to look.",
    )


class _Alerts(FrozenCamelModel):
    urls: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        description="Addresses that alerts go to, in the form of "
        "[apprise](https://github.com/caronc/apprise/wiki).",
    )
    notify: tuple[Literal["new_ecom_order"], ...] = Field(
        default=(), description="What the org is told of beside alerts."
    )


class _Settings(FrozenCamelModel):
    """The parts of an org's settings that people change here."""

    sync: SyncSettings | None = None
    loyalty_settings: _LoyaltySettings | None = None
    alpine_iq: AlpineIqSettings | None = None
    alerts: _Alerts | None = None


PARTS: Mapping[str, type[BaseModel]] = {
    "sync": SyncSettings,
    "loyaltySettings": _LoyaltySettings,
    **LOYALTY_PROVIDERS,
    "alerts": _Alerts,
}
"""What reads each part of an org's settings, by its field in the org's document."""


@dataclass(frozen=True, slots=True)
class TenantLoyalty:
    """The loyalty settings in an org's document. The methods raise ConfigurationInvalid naming
    each field at fault."""

    org_id: str
    fields: Fields

    def rules(self) -> LoyaltyRules:
        """The rules in ``loyaltySettings``; what is missing there is as by default."""
        given = self._read("loyaltySettings", _LoyaltySettings) or _LoyaltySettings()
        tiers: tuple[Tier, ...] = DEFAULT_TIERS
        if given.tiers is not None:
            tiers = tuple(Tier(t.id, t.name or t.id, t.threshold, t.color) for t in given.tiers)
        return LoyaltyRules(
            given.points_per_dollar, given.equity_multiplier, tiers, given.discrepancy_threshold
        )

    def account(self) -> ProviderSettings | None:
        """The org's account at its loyalty provider, None where it has none."""
        accounts = (self._read(field, model) for field, model in LOYALTY_PROVIDERS.items())
        return next((account for account in accounts if account), None)

    def _read(self, name: str, model: type[M]) -> M | None:
        stored = self.fields.get(name)
        where = f"{name} in {paths.tenant(self.org_id)}"
        return None if stored is None else _valid(model, stored, f"{where} is")


def read(database: Database, org_id: str) -> TenantSettings:
    """The org's settings. Raises ConfigurationInvalid naming each field at fault."""
    path = paths.tenant(org_id)
    return settings_in(path, database.get(path).fields)


def settings_in(path: str, fields: Fields) -> TenantSettings:
    """The settings in an org's document. Raises as ``read``."""
    own = {name: value for name, value in fields.items() if name == "sync"}
    settings = _valid(TenantSettings, own, f"the settings in {path} are")
    wanted, ignored = _notices(fields.get("alerts"))
    warnings = tuple(f"Ignored in {path}: {each}." for each in ignored)
    found = {"name": name_of(fields), "notify": frozenset(wanted), "warnings": warnings}
    return settings.model_copy(update=found)


def name_of(fields: Fields) -> str:
    """The name in an org's document, which another program writes; empty where it has none."""
    name = fields.get("name")
    return name[:LONGEST_NAME] if isinstance(name, str) else ""


def read_loyalty(database: Database, org_id: str) -> TenantLoyalty:
    """The org's loyalty settings, not validated yet. One read."""
    return TenantLoyalty(org_id, database.get(paths.tenant(org_id)).fields)


def alert_urls(database: Database, org_id: str) -> list[SecretStr]:
    """The org's notification URLs. The other settings need not be valid: an alert may be about
    them."""
    return alert_urls_in(database.get(paths.tenant(org_id)).fields)


def alert_urls_in(fields: Fields) -> list[SecretStr]:
    """The notification URLs in an org's document."""
    alerts = fields.get("alerts")
    urls = alerts.get("urls") if isinstance(alerts, dict) else None
    listed = urls if isinstance(urls, list) else []
    return [SecretStr(url) for url in listed if isinstance(url, str) and url]


def document(database: Database, org_id: str) -> Document:
    """The org's document, which need not exist."""
    return database.get(paths.tenant(org_id))


def put(org_id: str, parts: Fields, version: datetime | None) -> Write:
    """The write for parts of the org's settings, None for one that is removed, where the document
    is still of that version; None: does not exist."""
    return put_if_version(paths.tenant(org_id), parts, version)


def check(org_id: str, parts: Fields, named: Mapping[str, Collection[str]]) -> None:
    """Hold parts of an org's settings, by their fields in its document, against the models that
    read them. ``named`` are the fields of each that somebody has just given: one that no model has
    is misspelt. Raises ConfigurationInvalid naming each field at fault."""
    wrong = [
        f"{part}.{name}: there is no such setting"
        for part, names in named.items()
        for name in names
        if name not in _fields_of(part)
    ]
    try:
        read = _Settings.model_validate(dict(parts))
    except ValidationError as error:
        wrong.append(at_fault(error))
    else:
        if read.loyalty_settings is not None:
            TenantLoyalty(org_id, parts).rules()
    if wrong:
        raise ConfigurationInvalid("; ".join(wrong))


def _fields_of(part: str) -> set[str]:
    model = PARTS[part]
    return {str(field.alias) for field in model.model_fields.values()}


def _notices(alerts: object) -> tuple[list[str], list[str]]:
    """The kinds of notifications in an org's ``alerts``, and what is wrong with the others. The
    sync does not need them, so that it does not fail for them."""
    listed = alerts.get("notify") if isinstance(alerts, dict) else None
    if not isinstance(listed, list):
        return [], [] if listed is None else ["alerts.notify is no list"]
    kinds = [each for each in listed if isinstance(each, str) and each in NOTIFICATION_KINDS]
    known = ", ".join(NOTIFICATION_KINDS)
    wrong = (reprlib.repr(each) for each in listed if each not in kinds)
    return kinds, [f"{each} in alerts.notify is none of {known}" for each in wrong][:MOST_IGNORED]


def _valid(model: type[M], stored: object, subject: str) -> M:
    try:
        return model.model_validate(stored)
    except ValidationError as error:
        raise ConfigurationInvalid(f"{subject} not valid: {at_fault(error)}") from None
