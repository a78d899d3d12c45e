"""The samples: what versions have written, in ``kept/FORM-N.json``, and what it said then."""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("kept")
ZLIB = b"x"


def names(form: str) -> list[Path]:
    """The files of a form, the oldest first."""
    found = [path for path in FOLDER.glob(f"{form}-*.json") if _number(path, form)]
    return sorted(found, key=lambda path: _number(path, form))


def _number(path: Path, form: str) -> int:
    rest = path.stem.removeprefix(f"{form}-")
    return int(rest) if rest.isdecimal() else 0


def load(path: Path) -> tuple[Any, Any]:
    """What was written, and what it said."""
    sample = json.loads(path.read_text())
    return decoded(sample["written"]), sample["says"]


def keep(form: str, written: object, says: object) -> Path:
    """Add a sample."""
    path = FOLDER / f"{form}-{len(names(form)) + 1}.json"
    sample = {"written": encoded(written), "says": says}
    path.write_text(json.dumps(sample, indent=1, ensure_ascii=False) + "\n")
    return path


def encoded(value: Any) -> Any:
    """As JSON; bytes and times are marked."""
    match value:
        case bytes():
            return {"$bytes": base64.b64encode(value).decode()}
        case datetime():
            return {"$time": value.isoformat()}
        case Mapping():
            return {key: encoded(each) for key, each in value.items()}
        case list() | tuple():
            return [encoded(each) for each in value]
        case _:
            return value


def decoded(value: Any) -> Any:
    """The reverse."""
    match value:
        case {"$bytes": text}:
            return base64.b64decode(text)
        case {"$time": text}:
            return datetime.fromisoformat(text)
        case dict():
            return {key: decoded(each) for key, each in value.items()}
        case list():
            return [decoded(each) for each in value]
        case _:
            return value


def comparable(value: Any) -> Any:
    """The same as JSON, what is compressed unpacked: a library may compress it otherwise."""
    match value:
        case bytes() if value.startswith(ZLIB):
            return {"$zlib": zlib.decompress(value).hex()}
        case Mapping():
            return {key: comparable(each) for key, each in value.items()}
        case list() | tuple():
            return [comparable(each) for each in value]
        case _:
            return encoded(value)


def differences(said: Any, now: Any, where: str = "") -> Iterator[str]:
    """Where what was said then is not said now. What is said besides is no difference."""
    if isinstance(said, dict) and isinstance(now, dict):
        for key, each in said.items():
            if key not in now:
                yield f"{where}/{key} is no longer read"
            else:
                yield from differences(each, now[key], f"{where}/{key}")
    elif isinstance(said, list) and isinstance(now, list) and len(said) == len(now):
        for number, (each, other) in enumerate(zip(said, now, strict=True)):
            yield from differences(each, other, f"{where}/{number}")
    elif said != now:
        yield f"{where}: {said!r} is read as {now!r}"
