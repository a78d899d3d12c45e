"""Base classes of pydantic models whose fields are camelCase outside. Unknown fields are ignored:
a newer version, or another program, may have written them."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class CamelModel(BaseModel):
    """Stored state, changed in place."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True)


class FrozenCamelModel(CamelModel):
    """What crosses a border: messages and settings."""

    model_config = ConfigDict(frozen=True)
