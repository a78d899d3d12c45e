"""What earlier versions have sent and stored is read; a form does not change unnoticed."""

from pathlib import Path

import pytest

from tests.unit.compatibility import samples
from tests.unit.compatibility.formats import FORMATS

KEPT = [(name, path) for name in FORMATS for path in samples.names(name)]


@pytest.mark.parametrize(("name", "path"), KEPT, ids=[path.stem for _, path in KEPT])
def test_what_a_version_has_written_is_read_as_it_was_meant(name: str, path: Path) -> None:
    # Given
    written, said = samples.load(path)
    # When
    now = FORMATS[name].read(written)
    # Then
    assert list(samples.differences(said, now)) == []


@pytest.mark.parametrize("name", FORMATS)
def test_a_form_that_changes_has_a_sample_of_before_and_after(name: str) -> None:
    kept = samples.names(name)
    assert kept, "python -m tests.unit.compatibility.keep"
    last, _ = samples.load(kept[-1])
    assert samples.comparable(FORMATS[name].write()) == samples.comparable(last), (
        "The version before must be able to read this too, for a rollback brings it back. Then "
        "add a sample: python -m tests.unit.compatibility.keep"
    )


def test_every_sample_is_of_a_form_that_is_still_read() -> None:
    assert {path for _, path in KEPT} == set(samples.FOLDER.glob("*.json"))


def test_a_difference_is_found_wherever_it_is() -> None:
    said = {"a": [1, {"b": 2}], "c": "x", "d": 0}
    now = {"a": [1, {"b": 3, "new": 1}], "c": "x"}
    assert list(samples.differences(said, now)) == [
        "/a/1/b: 2 is read as 3",
        "/d is no longer read",
    ]
