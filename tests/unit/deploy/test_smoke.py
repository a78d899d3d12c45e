"""`make smoke`: a tick for one org and a dry run, then the schedules."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.manifest import Manifest
from deploy.release.commands import Target
from deploy.release.shell import ReleaseFailed, Shell
from deploy.release.smoke import RUN_SECONDS, Smoke
from shared.services.fan_out import run_id
from shared.store import paths
from tests.unit.deploy.programs import Programs
from tests.unit.services.sync_in_memory import NOW
from tests.unit.store.test_packed_map import Kept

ORG = "org_harbor"
RUN = paths.sync_run(ORG, run_id("4711", ORG))
JOBS = "projects/harbor-prod/locations/us-east1/jobs"


class Cloud:
    """Documents that are there once somebody has waited; ``waits`` seconds were waited."""

    def __init__(self, programs: Programs, **run: Any) -> None:
        self.programs = programs
        self.database = Kept()
        self.waited = 0.0
        self.run = {"state": "succeeded", "trigger": "cron", "startedAt": NOW, "endedAt": NOW} | run
        self.report: dict[str, Any] = {"state": "succeeded", "streams": {"orders": {"created": 1}}}
        self.said: list[str] = []

    def sleep(self, seconds: float) -> None:
        self.waited += seconds
        self.database.documents[RUN] = self.run
        for message in self.published("pos-sync"):
            self.database.documents[paths.sync_report(ORG, message["runId"])] = self.report

    def published(self, topic: str) -> list[dict[str, Any]]:
        lines = self.programs.lines(f"topics publish {topic} ")
        return [json.loads(x.partition("--message=")[2].partition(" --")[0]) for x in lines]

    def smoke(self) -> None:
        target, manifest = Target.of("harbor-prod"), Manifest.read()
        Smoke(
            Shell(),
            target,
            manifest,
            self.database,
            self.said.append,
            sleep=self.sleep,
            monotonic=lambda: self.waited,
        )(ORG)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setenv("PATH", str(tmp_path))
    programs = Programs.install(tmp_path, "gcloud")
    programs.answer("topics publish", "4711\n")
    programs.answer("state=PAUSED", f"{JOBS}/pos-sync\n{JOBS}/watchdog\n{JOBS}/somebody-elses\n")
    return programs


def test_an_org_is_synced_and_previewed_then_the_schedules_run(programs: Programs) -> None:
    cloud = Cloud(programs, streams={"orders": {"fetched": 3}})

    cloud.smoke()

    assert cloud.published("cron-tick") == [{"job": "pos-sync", "orgId": ORG}]
    (preview,) = cloud.published("pos-sync")
    assert (preview["orgId"], preview["dryRun"]) == (ORG, True)
    resumed = [line.split()[4] for line in programs.lines("jobs resume")]
    assert resumed == ["pos-sync", "watchdog"]
    assert any("{'orders': 3}" in line for line in cloud.said)


def test_records_in_quarantine_are_the_poss_affair(programs: Programs) -> None:
    error = {"code": "records_in_quarantine", "owner": "provider", "message": "2 records"}
    Cloud(programs, state="partial", errors=[error]).smoke()
    assert programs.lines("jobs resume")


@pytest.mark.parametrize("state", ["failed", "partial", "held"])
def test_a_sync_that_fails_leaves_the_schedules_paused(programs: Programs, state: str) -> None:
    error = {"code": "credentials_rejected", "owner": "org", "message": "wrong PIN"}
    cloud = Cloud(programs, state=state, error=error)

    with pytest.raises(ReleaseFailed, match=r"credentials_rejected \(turn of org\): wrong PIN"):
        cloud.smoke()

    assert programs.lines("topics publish pos-sync", "jobs resume") == []


def test_a_dry_run_that_fails_leaves_the_schedules_paused(programs: Programs) -> None:
    cloud = Cloud(programs)
    cloud.report = {"state": "failed", "streams": {}}
    with pytest.raises(ReleaseFailed, match="The dry run is failed"):
        cloud.smoke()
    assert programs.lines("jobs resume") == []


def test_a_tick_that_leads_nowhere_is_given_up(programs: Programs) -> None:
    cloud = Cloud(programs, state="running", endedAt=None)
    with pytest.raises(ReleaseFailed, match=r"The run has not ended after 900 s"):
        cloud.smoke()
    assert cloud.waited > RUN_SECONDS
