"""docs/licences.md: what the functions are made of, and under which licence.

python -m deploy.licences           writes it anew, from the installed packages
python -m deploy.licences --check   1 where it is not what would be written
"""

import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "licences.md"
PINNED = ROOT / "requirements.txt"
STATIC = ROOT / "shared" / "console" / "static"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_VENDORED = re.compile(r"^(?P<name>[a-z]+)-(?P<version>\d[\d.]*)\.LICENSE\.txt$")
_LONGEST = 60

HEAD = """# Licences

What runs in the cloud: the packages of `requirements.txt`, and the files that the console brings
along. Written by `python -m deploy.licences`; a test compares.

| package | version | licence |
|---|---|---|
"""


def pinned() -> list[tuple[str, str]]:
    """Name and version of each package of the functions."""
    return _PIN.findall(PINNED.read_text())


def text() -> str:
    """The document. Raises PackageNotFoundError for a package that is not installed."""
    rows = [*(_row(name, version) for name, version in pinned()), *_vendored()]
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main() -> int:
    """0, or 1 with what to do."""
    try:
        wanted = text()
    except PackageNotFoundError as error:
        print(f"{error.name} is pinned and not installed: run the set-up", file=sys.stderr)
        return 1
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(wanted)
        return 0
    if DOCUMENT.read_text() == wanted:
        return 0
    print("docs/licences.md is not current: python -m deploy.licences", file=sys.stderr)
    return 1


def _row(name: str, version: str) -> tuple[str, str, str]:
    found = metadata(name).json
    expression = str(found.get("license_expression", ""))
    stated = expression or _of_classifiers(found.get("classifier", ()))
    licence = stated or str(found.get("license", "")).strip().partition("\n")[0][:_LONGEST]
    return name, version, licence or "see the package"


def _of_classifiers(classifiers: Iterable[str]) -> str:
    found = [c.rpartition(" :: ")[2] for c in classifiers if c.startswith("License ::")]
    return ", ".join(sorted(set(found) - {"OSI Approved"}))


def _vendored() -> Iterator[tuple[str, str, str]]:
    for path in sorted(STATIC.glob("*.LICENSE.txt")):
        match = _VENDORED.match(path.name)
        if match:
            licence = path.read_text().strip().partition("\n")[0]
            yield f"{match['name']} (vendored)", match["version"], licence


if __name__ == "__main__":
    sys.exit(main())
