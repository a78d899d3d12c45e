"""Kinds of values that requests carry."""

from typing import Annotated

from pydantic import Field, StringConstraints

# They become part of a document's path: one segment, none that Firestore reserves.
RecordId = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@-]*$")
]
OrgId = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
]
RunId = RecordId

# Of a list that is read page by page.
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
PageSize = Annotated[int, Field(ge=1, le=200)]
