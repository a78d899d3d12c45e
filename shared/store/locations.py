"""``locations/{locationId}``: which orgs there are and how to reach their POS."""

from collections.abc import Iterator
from contextlib import suppress
from zoneinfo import ZoneInfo

from pydantic import SecretStr, ValidationError

from shared.errors import ConfigurationInvalid, at_fault
from shared.pos.config import DEFAULT_TIMEZONE, Location
from shared.store import paths
from shared.store.database import Database, Filter


def active_orgs(database: Database, org_id: str | None = None) -> list[str]:
    """Ids of the orgs with at least one active POS location, sorted; only ``org_id`` if given."""
    filters: list[Filter] = [("posConfig.status", "==", "active")]
    if org_id is not None:
        filters.append(("orgId", "==", org_id))
    found = database.query(paths.LOCATIONS, *filters, select=["orgId"])
    return sorted({str(d.fields["orgId"]) for d in found if d.fields.get("orgId")})


def active_of(database: Database, org_id: str) -> list[Location]:
    """The org's active locations, by id. Raises ConfigurationInvalid naming field and location."""
    found = database.query(paths.LOCATIONS, ("orgId", "==", org_id))
    active = []
    for document in sorted(found, key=lambda d: d.id):
        config = document.fields.get("posConfig")
        if not isinstance(config, dict) or config.get("status") != "active":
            continue
        try:
            active.append(Location.model_validate({**document.fields, "id": document.id}))
        except ValidationError as error:
            raise ConfigurationInvalid(
                f"the POS settings of location {document.id} are not valid: {at_fault(error)}"
            ) from None
    return active


def webhook_secrets(
    database: Database, org_id: str, provider: str
) -> Iterator[tuple[str, SecretStr]]:
    """Location id and ``posConfig.webhookSecret`` of the org's active locations at a provider,
    references as they stand."""
    found = database.query(
        paths.LOCATIONS,
        ("orgId", "==", org_id),
        select=["posConfig.provider", "posConfig.status", "posConfig.webhookSecret"],
    )
    for document in found:
        config = document.fields.get("posConfig")
        if not isinstance(config, dict):
            continue
        secret = config.get("webhookSecret")
        active = config.get("provider") == provider and config.get("status") == "active"
        if active and isinstance(secret, str) and secret:
            yield document.id, SecretStr(secret)


def zones(database: Database, org_id: str) -> dict[str, ZoneInfo]:
    """Time zone of each of the org's locations, by the POS's location id; without those whose
    settings name none that exists."""
    found = database.query(
        paths.LOCATIONS, ("orgId", "==", org_id), select=["timezone", "posConfig.locationId"]
    )
    known: dict[str, ZoneInfo] = {}
    for document in found:
        config = document.fields.get("posConfig")
        location_id = config.get("locationId") if isinstance(config, dict) else None
        name = document.fields.get("timezone", DEFAULT_TIMEZONE)
        with suppress(KeyError, ValueError, TypeError, OSError):
            known[str(location_id)] = ZoneInfo(name)
    return known
