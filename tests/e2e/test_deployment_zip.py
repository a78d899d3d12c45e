"""The functions run from what a deployment uploads, with what it gives them: that they work so, a
tick and all, the other tests of this folder show."""

import compileall
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from deploy.local.environment import common
from deploy.manifest import Function, Manifest
from tests.e2e.cloud import Cloud

MANIFEST = Manifest.read()
EMULATORS = {
    f"{service}_EMULATOR_HOST"
    for service in (
        *("FIRESTORE", "PUBSUB", "CLOUD_TASKS", "SECRET_MANAGER", "KMS", "FIREBASE_AUTH"),
    )
}
ELSEWHERE = {"PYTHONPATH", "PUBSUB_REST_URL", "FIREBASE_API_KEY"}
"""Variables with another value than in a project: the folder, and the address of an emulator."""
OF_TESTS = {"LEASE_SECONDS", "XDG_RUNTIME_DIR"}


def environment_of(cloud: Cloud, function: str) -> Mapping[str, str]:
    """What the function's process was started with."""
    return psutil.Process(cloud.stack.pids[function]).environ()


@pytest.fixture(params=sorted(MANIFEST.functions))
def function(request: pytest.FixtureRequest) -> Function:
    return MANIFEST.functions[request.param]


def test_a_function_has_the_variables_of_its_deployment_and_no_others(
    cloud: Cloud, function: Function, tmp_path: Path
) -> None:
    # Given
    deployed = MANIFEST.environment(function, cloud.stack.project)
    here = MANIFEST.for_local_cloud().environment(function, cloud.stack.project)
    # When
    found = environment_of(cloud, function.name)
    # Then
    same = deployed.keys() - ELSEWHERE
    assert {name: found.get(name) for name in same} == {name: here[name] for name in same}
    of_machine = {*common("marker", tmp_path), *EMULATORS, *OF_TESTS}
    assert found.keys() - of_machine == {*deployed, *function.secrets}


def test_a_function_runs_from_the_unpacked_archive_under_gunicorn(
    cloud: Cloud, function: Function, deployment: Path
) -> None:
    server = psutil.Process(cloud.stack.pids[function.name])
    assert Path(server.cwd()) == deployment
    source = str(deployment / "functions" / function.name / "main.py")
    assert source in server.cmdline()
    assert environment_of(cloud, function.name)["PYTHONPATH"] == "."
    # gunicorn: a process that watches over its worker
    assert len(server.children()) == 1


def test_the_archive_holds_what_functions_need_and_compiles_as_the_build_does(
    deployment: Path,
) -> None:
    assert {path.name for path in deployment.iterdir()} == {
        "functions",
        "shared",
        "requirements.txt",
    }
    assert compileall.compile_dir(deployment, quiet=1, legacy=False)
