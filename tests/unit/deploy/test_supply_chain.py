"""The packages: pinned with hashes, licences listed, advisories accepted for a while."""

import json
import re
import subprocess
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from deploy import audit, licences
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


def test_a_release_lists_every_package_that_is_deployed(tmp_path: Path) -> None:
    # Given the command of `make release`
    recipe = next(x for x in (ROOT / "Makefile").read_text().splitlines() if "cyclonedx-py" in x)
    sbom = tmp_path / "sbom.json"
    command = recipe.strip().replace(".local/release/sbom.cdx.json", str(sbom)).split()
    # When
    subprocess.run(command, cwd=ROOT, check=True, timeout=100, capture_output=True)
    # Then
    listed = {each["name"]: each["version"] for each in json.loads(sbom.read_text())["components"]}
    pinned = re.findall(
        r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE
    )
    assert listed == dict(pinned)


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


def _answering(reports: Sequence[object], monkeypatch: pytest.MonkeyPatch) -> None:
    """pip-audit prints these, one after the other; nothing where one is a text."""
    left = iter(reports)

    def run(command: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        found = next(left)
        said = ("", found) if isinstance(found, str) else (json.dumps(found), "")
        return subprocess.CompletedProcess(command, 0, *said)

    monkeypatch.setattr(subprocess, "run", run)


SOUND = {"dependencies": [{"name": "sound", "version": "1.0", "vulns": []}]}
UNKNOWN = {"dependencies": [{"name": "own", "skip_reason": "not on the index"}]}
OPEN = {"dependencies": [{"name": "open", "version": "2.0", "vulns": [{"id": "PYSEC-9"}]}]}


@pytest.mark.parametrize(
    ("reports", "code", "audited"),
    [
        ((SOUND, SOUND), audit.CLEAN, True),
        ((SOUND, UNKNOWN), audit.NOT_ASKED, False),
        ((UNKNOWN, OPEN), audit.VULNERABLE, False),
    ],
)
def test_what_could_not_be_looked_up_is_no_clean_audit(
    reports: Sequence[object],
    code: int,
    audited: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _answering(reports, monkeypatch)

    assert audit.main() == code

    said = capsys.readouterr().out
    assert ("NOT AUDITED" not in said) is audited
    assert ("turn of whoever releases" not in said) is audited


def test_an_index_that_does_not_answer_is_no_vulnerability(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _answering(["Traceback\nConnectionError: no route"], monkeypatch)

    with pytest.raises(SystemExit) as ended:
        audit.main()

    assert ended.value.code == audit.NOT_ASKED
    assert "ConnectionError: no route\nNOT AUDITED" in capsys.readouterr().out


def test_ci_audits_each_change() -> None:
    steps = (ROOT / ".github/workflows/ci.yml").read_text()
    assert "- run: make audit" in steps
