"""What `make plan`, `deploy` and `rollback` do, before programs that note how they are called."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deploy.manifest import Manifest
from deploy.release import commands
from deploy.release.checks import check
from deploy.release.commands import Target
from deploy.release.deployment import Release
from deploy.release.shell import Command, CommandFailed, ReleaseFailed, Shell
from tests.unit.deploy.programs import Programs

PROJECT = "harbor-prod"
GROUND = ["google_project_service.each", 'google_firestore_index.each["orders"]']
LATER = 'google_cloudfunctions2_function.each["webhooks"]'


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A project that has nothing yet, and somebody signed in who may do everything."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(commands, "STATE", tmp_path / "state")
    programs = Programs.install(tmp_path, "terraform", "gcloud", "curl", "firebase")
    programs.answer("terraform version", '{"terraform_version": "1.11.4"}')
    programs.answer("gcloud auth", "wren@example.test\n")
    programs.answer("projects describe", "ACTIVE\n")
    programs.answer("billing projects", "True\n")
    programs.answer("buckets describe", f"{PROJECT}-sync-sam-state\n")
    programs.answer("-detailed-exitcode", "Plan: 3 to add", code=2)
    programs.answer("show -json", plan_of("create", *GROUND, LATER))
    return programs


def plan_of(action: str, *addresses: str) -> str:
    changes = [
        {"address": a, "type": a.partition(".")[0], "change": {"actions": [action]}}
        for a in addresses
    ]
    return json.dumps({"resource_changes": changes})


def release(target: Target | None = None, **given: Any) -> tuple[Release, list[str]]:
    said: list[str] = []
    usual: dict[str, Any] = {"confirm": lambda question: True, "sleep": lambda seconds: None}
    target = target or Target.of(PROJECT)
    return Release(Shell(), target, Manifest.read(), said.append, **usual | given), said


def live(programs: Programs, *objects: str) -> None:
    """The functions are deployed from these zips."""
    names = ["manual_sync", "org-sync", "somebody-elses"]
    sources = [*objects, objects[0], "theirs.zip"]
    listed = [
        {
            "name": f"projects/{PROJECT}/locations/us-east1/functions/{name}",
            "buildConfig": {"source": {"storageSource": {"bucket": "zips", "object": source}}},
        }
        for name, source in zip(names, sources, strict=False)
    ]
    programs.answer("functions list", json.dumps(listed))


def verbs(programs: Programs) -> list[str]:
    """What was asked of Terraform, without looking."""
    return [
        line.split()[2] + (" groundwork" if "-target=" in line else "")
        for line in programs.lines("terraform -chdir")
    ]


@pytest.mark.parametrize(
    ("part", "output", "code", "told"),
    [
        ("terraform version", '{"terraform_version": "1.5.7"}', 0, "1.5.7 is too old"),
        ("gcloud auth list", "", 0, "gcloud auth login"),
        ("print-access-token", "", 1, "gcloud auth application-default login"),
        ("projects describe", "", 1, "cannot be read"),
        ("projects describe", "DELETE_REQUESTED", 0, "DELETE_REQUESTED"),
        ("billing projects", "False", 0, "gcloud billing projects link"),
        ("buckets describe", "", 1, f"gcloud storage buckets create gs://{PROJECT}-sync-sam-state"),
    ],
)
def test_what_is_missing_is_told_with_what_to_type(
    programs: Programs, part: str, output: str, code: int, told: str
) -> None:
    programs.answer(part, output, code=code)
    with pytest.raises(ReleaseFailed, match=re.escape(told)):
        check(Shell(), Target.of(PROJECT))


def test_who_may_not_see_the_billing_may_deploy(programs: Programs) -> None:
    programs.answer("billing projects", code=1)
    check(Shell(), Target.of(PROJECT))


def test_tools_that_are_not_there_are_all_named(programs: Programs) -> None:
    for name in ("terraform", "gcloud"):
        (programs.folder / name).unlink()
    with pytest.raises(ReleaseFailed, match=r"terraform is not installed(.|\n)*gcloud is not"):
        check(Shell(), Target.of(PROJECT))


@pytest.mark.parametrize("name", ["", "Harbor", "../x", "a", "p --yes"])
def test_a_project_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(ReleaseFailed, match="PROJECT="):
        Target.of(name)


def test_a_plan_changes_nothing(programs: Programs) -> None:
    release()[0].plan()

    assert verbs(programs) == ["init", "plan"]
    (planned,) = programs.lines(" plan ")
    for variable in (f"project={PROJECT}", "region=us-east1", "database=(default)"):
        assert f"-var={variable}" in planned
    assert "source_object" not in planned
    assert f"-backend-config=bucket={PROJECT}-sync-sam-state" in programs.lines(" init ")[0]
    folders = {c["env"]["TF_DATA_DIR"] for c in programs.calls if " plan " in c["line"]}
    assert folders == {str(programs.folder / "state" / PROJECT / "terraform")}


def test_the_variables_of_a_project_are_passed_on(programs: Programs, tmp_path: Path) -> None:
    file = tmp_path / f"{PROJECT}.tfvars.json"
    file.write_text('{"region": "us-west2", "database": "again", "alert_channels": ["c"]}')
    release(Target.of(PROJECT, tmp_path))[0].plan()

    (planned,) = programs.lines(" plan ")
    assert f"-var-file={file}" in planned
    assert "-var=region=us-west2" in planned
    assert "-var=database=again" in planned


def test_a_first_deployment_lays_the_ground_before_the_functions(programs: Programs) -> None:
    # Given indexes that take their time
    programs.answer("indexes composite", "a b", "b", "")
    waited: list[float] = []
    # When
    work, said = release(sleep=waited.append)
    work.deploy()
    # Then
    assert verbs(programs) == [
        "init", "plan", "show", "plan groundwork", "apply", "plan", "apply",
    ]  # fmt: skip
    (ground,) = programs.lines("-target=")
    assert [f"-target={each}" in ground for each in (*GROUND, LATER)] == [True, True, False]
    steps = programs.lines("apply", "versions add", "indexes composite", "firebase deploy")
    given = ["versions add"] * len(Manifest.read().secrets)
    kinds = ["apply", *given, *["indexes composite"] * 3, "apply", "firebase"]
    assert all(kind in step for kind, step in zip(kinds, steps, strict=True))
    assert len(waited) == 2
    assert "Waiting for 2 indexes …" in said


def test_a_first_deployment_makes_the_cron_secret_and_takes_the_others(programs: Programs) -> None:
    urls = "mailto://ops@example.test"
    release(given=lambda name: urls if name == "OPERATOR_ALERT_URLS" else None)[0].deploy()

    given = {
        c["line"].split()[4]: c["given"] for c in programs.calls if "versions add" in c["line"]
    }
    assert given["operator-alert-urls"] == urls
    # A blank is no secret: whatever else stood there, anybody could sign a webhook with it.
    assert given["alleaves-webhook-secret"].strip() == ""
    assert len(bytes.fromhex(given["cron-secret"])) == 32
    assert not [c for c in programs.calls if given["cron-secret"] in c["line"]]


def test_a_secret_that_has_a_value_keeps_it(programs: Programs) -> None:
    programs.answer("versions list", "1\n")
    release()[0].deploy()
    assert programs.lines("versions add") == []


def test_a_change_of_functions_alone_is_one_step(programs: Programs) -> None:
    programs.answer("show -json", plan_of("update", LATER))
    release()[0].deploy()
    assert verbs(programs) == ["init", "plan", "show", "apply"]


def test_who_says_no_changes_nothing(programs: Programs) -> None:
    release(confirm=lambda question: False)[0].deploy()

    assert verbs(programs) == ["init", "plan", "show"]
    assert programs.lines("versions add", "firebase") == []


def test_without_changes_nothing_is_asked(programs: Programs) -> None:
    programs.answer("-detailed-exitcode", "No changes.")
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return True

    release(confirm=confirm)[0].deploy()
    assert (verbs(programs), asked) == (["init", "plan"], [])


def test_indexes_that_are_never_built_end_the_deployment(programs: Programs) -> None:
    programs.answer("indexes composite", "a")
    clock = iter(range(0, 100_000, 600))
    with pytest.raises(ReleaseFailed, match="1 indexes are not built"):
        release(monotonic=lambda: float(next(clock)))[0].deploy()
    assert verbs(programs)[-1] == "apply"
    assert len(programs.lines(" apply ")) == 1


def test_a_rollback_goes_to_the_zip_before_the_present_one(programs: Programs) -> None:
    live(programs, "b.zip")
    made = [("a.zip", "2026-01-01"), ("b.zip", "2026-01-03"), ("c.zip", "2026-01-04")]
    listed = [
        {"name": name, "creation_time": f"{day}T00:00:00+0000"}
        for name, day in [*made, ("older.zip", "2025-01-01")]
    ]
    programs.answer("objects list gs://zips/**", json.dumps(listed))

    release()[0].rollback()

    planned = programs.lines(" plan ")
    assert all("-var=source_object=a.zip" in line for line in planned)
    assert verbs(programs)[-1] == "apply"


@pytest.mark.parametrize(
    ("deployed", "listed", "told"),
    [
        (["b.zip"], [], "has no b.zip"),
        (["b.zip"], ["b.zip"], "no zip before b.zip"),
        (["a.zip", "b.zip"], [], "2 sources are deployed"),
    ],
)
def test_a_rollback_that_cannot_be_changes_nothing(
    programs: Programs, deployed: list[str], listed: list[str], told: str
) -> None:
    live(programs, *deployed)
    zips = [{"name": name, "creation_time": "2026-01-01T00:00:00+0000"} for name in listed]
    programs.answer("objects list", json.dumps(zips))
    with pytest.raises(ReleaseFailed, match=told):
        release()[0].rollback()
    assert verbs(programs) == ["init"]


def test_a_rollback_to_a_named_zip(programs: Programs) -> None:
    live(programs, "b.zip")
    release()[0].rollback("old.zip")
    assert "-var=source_object=old.zip" in programs.lines(" plan ")[0]


def test_without_the_firebase_cli_the_command_is_told(programs: Programs) -> None:
    (programs.folder / "firebase").unlink()
    work, said = release()
    work.deploy()
    assert "npx firebase-tools deploy --only hosting" in said[-1]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (Command(("gcloud", "fails")), "ERROR: gcloud fails"),
        (Command(("nothing-of-that-name",)), "not installed"),
    ],
)
def test_a_command_that_fails_says_why(programs: Programs, command: Command, told: str) -> None:
    programs.answer("gcloud fails", code=3)
    with pytest.raises(CommandFailed, match=told):
        Shell().run(command)


def test_a_command_has_a_time_limit(programs: Programs, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nwhile :; do :; done\n")
    slow.chmod(0o755)
    with pytest.raises(CommandFailed, match=r"Not done after 0\.2 s: slow"):
        Shell().run(Command(("slow",), seconds=0.2))
