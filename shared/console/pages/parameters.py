"""Parameters of pages."""

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from shared.web.request import OrgQuery, Params

ROWS = 25
"""Of a list: on a telephone each takes as much room as a card."""


class FleetParams(Params):
    """A page about every org. A field of a form that was left blank is as one that was not sent."""

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: Any) -> Any:
        return without_blanks(given)

    @property
    def query(self) -> dict[str, Any]:
        """What was asked for, by the aliases: for links, and for the JSON route."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class PageParams(FleetParams, OrgQuery):
    """A page about an org, which is no part of ``query``."""

    @property
    def query(self) -> dict[str, Any]:
        """What was asked for, but the org, by the aliases: for links, and for the JSON route."""
        return self.model_dump(mode="json", by_alias=True, exclude={"org_id"}, exclude_none=True)


def without_blanks(given: Any) -> Any:
    """What was sent, without what is blank."""
    if isinstance(given, Mapping):
        return {name: value for name, value in given.items() if value != ""}
    return given
