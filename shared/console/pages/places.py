"""What an org's locations are called."""

from collections.abc import Mapping

from shared.console.reader import Reader
from shared.web.routes.metadata import MetadataResponse


def place_names(reader: Reader, org_id: str) -> Mapping[str, str]:
    """The name of each location by the POS's id, where it has one."""
    found = reader.get("/api/metadata", MetadataResponse, orgId=org_id)
    named = {place.id: place.fields.get("name") for place in found.locations.items}
    return {place_id: str(name) for place_id, name in named.items() if name}
