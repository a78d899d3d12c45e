"""Typed reader of ``firebase.json``: which function of the one origin serves a path.

Firebase Hosting answers a request by the first of these that fits: its own paths (``/__/…``), a
file of ``public``, the rewrites in their order. A rewrite names a Cloud Run service; that of a
function has the function's name with hyphens for underscores.
"""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

FIREBASE = Path(__file__).resolve().parents[1] / "firebase.json"
RESERVED = "/__/"
"""Paths that begin so are Hosting's own: nothing of them reaches a file or a function."""

_WILDCARDS = {"**": ".*", "*": "[^/]*"}
_GLOB = re.compile(r"(?:/[\w.~-]+)*(?:/?\*\*|/\*)?")


def service_of(function: str) -> str:
    """The Cloud Run service of a function."""
    return function.replace("_", "-")


def _plain(glob: str) -> str:
    if not glob or not _GLOB.fullmatch(glob):
        raise ValueError("only a plain path, or one that ends in * or **")
    return glob


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class RunService(_Section):
    """A Cloud Run service."""

    service_id: str
    region: str


class Rewrite(_Section):
    """Paths that match ``source`` are answered by a service."""

    source: Annotated[str, AfterValidator(_plain)]
    run: RunService

    def matches(self, path: str) -> bool:
        """Whether it holds for a path, which begins with a slash and has no query."""
        parts = re.split(r"(\*\*?)", self.source)
        pattern = "".join(_WILDCARDS.get(part, re.escape(part)) for part in parts)
        return re.fullmatch(pattern, path, re.DOTALL) is not None


class Hosting(_Section):
    """The section ``hosting``. ``public`` is a folder, as seen from the file's own."""

    public: str
    ignore: tuple[str, ...] = ()
    rewrites: tuple[Rewrite, ...] = Field(min_length=1)

    @classmethod
    def read(cls, path: Path = FIREBASE) -> Self:
        """Read a file. Raises pydantic's ValidationError naming what is wrong."""
        return cls.model_validate(_Firebase.model_validate_json(path.read_bytes()).hosting)

    @property
    def folder(self) -> Path:
        return FIREBASE.parent / self.public

    def rewrite(self, path: str) -> Rewrite | None:
        """The rewrite that answers a path: the first that matches."""
        return next((each for each in self.rewrites if each.matches(path)), None)

    def file(self, path: str) -> Path | None:
        """The file of ``public`` that is served at a path, which wins over any rewrite."""
        found = (self.folder / path.lstrip("/")).resolve()
        within = found.is_relative_to(self.folder.resolve())
        return found if within and found.is_file() and not found.name.startswith(".") else None


class _Firebase(_Section):
    hosting: dict[str, object]
