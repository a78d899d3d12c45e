"""What a handler answers, and the form of every error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class Answer(BaseModel):
    """Base of the models that routes answer with. Fields that are None are left out."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        serialize_by_alias=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """What may be None may be missing."""
        schema = handler(core)
        described = handler.resolve_ref_schema(schema)
        fields = described.get("properties", {})
        required = [n for n in described.get("required", []) if not _nullable(fields[n])]
        described["required"] = required
        return schema


def _nullable(field: Mapping[str, Any]) -> bool:
    return {"type": "null"} in field.get("anyOf", ())


class ErrorDetail(Answer):
    """What went wrong: ``code`` is stable, ``message`` is for people."""

    code: str
    message: str
    request_id: str


class ErrorAnswer(Answer):
    """Every error has this form."""

    error: ErrorDetail


@dataclass(frozen=True, slots=True)
class Content:
    """An answer that is no JSON: a page, a table."""

    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. ``etag`` names the version of what is answered; where there is none, a route
    that is cached gets one from the answer itself. 304 goes without a body."""

    body: Answer | Content | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    etag: str | None = None
