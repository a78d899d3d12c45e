"""docs/deploy.md says of every error whose turn it is and what to do."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import shared
from shared.errors import SyncSamError

GUIDE = Path(__file__).parents[3] / "docs" / "deploy.md"
ROW = re.compile(r"^\| `(\w+)` \| (org|provider|us|caller) \| .{5,} \|$", re.MULTILINE)


def errors_below(kind: type[SyncSamError]) -> Iterator[type[SyncSamError]]:
    yield kind
    for each in kind.__subclasses__():
        if each.__module__.startswith("shared."):
            yield from errors_below(each)


def test_the_guide_has_every_code_with_its_owner_and_no_other() -> None:
    # Given
    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        importlib.import_module(module.name)
    known = {(error.code, error.owner.value) for error in errors_below(SyncSamError)}
    # When
    told = ROW.findall(GUIDE.read_text())
    # Then
    assert sorted(told) == sorted(known)
