"""The packages: pinned with hashes, licences listed, advisories accepted for a while."""

import re
from datetime import date

import pytest
from pydantic import ValidationError

from deploy import licences
from deploy.audit import WAIVERS, expired, findings_of, read_waivers
from deploy.local.paths import ROOT

WAIVER = '[[waiver]]\nid = "PYSEC-1"\nreason = "only with a feature not used"\nuntil = 2026-12-31\n'


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_pinned_with_the_hashes_of_its_files(name: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text(), flags=re.IGNORECASE)[1:]
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_what_is_tested_with_is_what_is_deployed() -> None:
    deployed, tested = (
        dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert {name: tested.get(name) for name in deployed} == deployed


def test_the_set_up_installs_only_files_whose_hashes_are_known() -> None:
    assert "--require-hashes" in (ROOT / "deploy/local/setup.sh").read_text()


def test_the_licence_of_every_package_is_listed_as_installed() -> None:
    assert licences.DOCUMENT.read_text() == licences.text(), "python -m deploy.licences"
    assert "see the package" not in licences.text()


def test_every_waiver_says_why_and_until_when() -> None:
    read_waivers(WAIVERS.read_text())
    with pytest.raises(ValidationError, match="reason"):
        read_waivers('[[waiver]]\nid = "PYSEC-1"\nuntil = 2026-12-31\n')
    with pytest.raises(ValidationError, match="until"):
        read_waivers('[[waiver]]\nid = "PYSEC-1"\nreason = "none"\n')


@pytest.mark.parametrize(("today", "over"), [(date(2026, 12, 31), 0), (date(2027, 1, 1), 1)])
def test_a_waiver_counts_until_the_end_of_its_last_day(today: date, over: int) -> None:
    assert len(expired(read_waivers(WAIVER), today)) == over


def test_an_audit_tells_the_vulnerable_from_those_nobody_could_look_up() -> None:
    found = findings_of(
        {
            "dependencies": [
                {"name": "sound", "version": "1.0", "vulns": []},
                {"name": "open", "version": "2.0", "vulns": [{"id": "PYSEC-9"}]},
                {"name": "own", "skip_reason": "not on the index"},
            ]
        }
    )
    assert (found.packages, found.vulnerable) == (3, ["open 2.0: PYSEC-9"])
    assert found.unknown == ["own"]
