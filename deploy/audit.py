"""Known vulnerabilities of the packages:  python -m deploy.audit

Asks PyPI's advisories, by pip-audit, for every pinned package. An advisory that is accepted for a
while stands in deploy/waivers.toml, with the reason and the last day it counts.

Exit codes: 0 clean; 1 vulnerable; 2 not audited, as the advisories could not be asked.
"""

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).parents[1]
WAIVERS = ROOT / "deploy" / "waivers.toml"
FILES = ("requirements.txt", "requirements-dev.txt")
SECONDS = 300.0
CLEAN, VULNERABLE, NOT_ASKED = 0, 1, 2
NOT_AUDITED = """\
NOT AUDITED: of some packages nothing is known, good or bad. The index that pip uses here keeps no
advisories, or did not answer. It is the turn of whoever releases: before this state is deployed,
run `make audit` where pip reaches pypi.org, as CI does for each change."""


class Waiver(BaseModel):
    """An advisory that is accepted until the end of a day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class Findings:
    """What the advisories say: ``vulnerable`` as "package version: advisory", ``unknown`` the
    packages that could not be looked up."""

    packages: int
    vulnerable: Sequence[str]
    unknown: Sequence[str]


def main() -> int:
    """CLEAN, VULNERABLE (or a waiver that has run out), or NOT_ASKED, with whose turn it is, where
    the advisories do not answer for a package."""
    waivers = read_waivers(WAIVERS.read_text())
    vulnerable = unknown = False
    for waiver in expired(waivers, datetime.now(UTC).date()):
        print(f"The waiver of {waiver.id} ran out on {waiver.until}: update the package.")
        vulnerable = True
    for name in FILES:
        findings = findings_of(_ask(name, waivers))
        for line in findings.vulnerable:
            print(f"{name}: {line}")
        if findings.unknown:
            listed = ", ".join(findings.unknown[:5])
            more = f" and {len(findings.unknown) - 5} more" if len(findings.unknown) > 5 else ""
            print(f"{name}: not looked up, the index has no advisories for {listed}{more}")
        asked = findings.packages - len(findings.unknown)
        print(f"{name}: {asked} of {findings.packages} packages looked up")
        vulnerable |= bool(findings.vulnerable)
        unknown |= bool(findings.unknown)
    if unknown:
        print(NOT_AUDITED)
    return VULNERABLE if vulnerable else NOT_ASKED if unknown else CLEAN


def read_waivers(text: str) -> list[Waiver]:
    """The waivers. Raises pydantic.ValidationError for one without reason or date."""
    return [Waiver.model_validate(each) for each in tomllib.loads(text).get("waiver", [])]


def expired(waivers: Sequence[Waiver], today: date) -> list[Waiver]:
    """Those whose last day is past."""
    return [waiver for waiver in waivers if waiver.until < today]


def findings_of(report: Mapping[str, Any]) -> Findings:
    """From pip-audit's JSON."""
    packages = report["dependencies"]
    return Findings(
        packages=len(packages),
        vulnerable=[
            f"{each['name']} {each['version']}: {found['id']}"
            for each in packages
            for found in each.get("vulns", [])
        ],
        unknown=[each["name"] for each in packages if "skip_reason" in each],
    )


def _ask(name: str, waivers: Sequence[Waiver]) -> Mapping[str, Any]:
    ignored = [part for waiver in waivers for part in ("--ignore-vuln", waiver.id)]
    command = (
        *(sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--format", "json"),
        *("--disable-pip", "--no-deps", "--requirement", str(ROOT / name), *ignored),
    )
    answer = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if not answer.stdout.strip():
        last = answer.stderr.strip().rpartition("\n")[2]
        print(f"{name}: pip-audit has no answer: {last}\n{NOT_AUDITED}")
        raise SystemExit(NOT_ASKED)
    report: Mapping[str, Any] = json.loads(answer.stdout)
    return report


if __name__ == "__main__":
    sys.exit(main())
