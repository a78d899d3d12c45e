"""What the functions find in their environment."""

from pathlib import Path

import pytest

from deploy.local.environment import Addresses, common, of_function, slots
from deploy.manifest import Function, Manifest


def test_a_developers_own_settings_and_credentials_stay_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/home/wren/key.json")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    # When
    env = common("marker", tmp_path)
    # Then
    assert "GOOGLE_APPLICATION_CREDENTIALS" not in env
    assert "FIRESTORE_EMULATOR_HOST" not in env
    assert env["TMPDIR"] == str(tmp_path)


def test_a_proxy_never_stands_between_the_parts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given
    monkeypatch.setenv("https_proxy", "http://proxy.example.test:3128")
    monkeypatch.setenv("no_proxy", "intranet.example.test")
    # When
    env = common("marker", tmp_path)
    # Then
    assert env["https_proxy"] == "http://proxy.example.test:3128"
    assert env["no_proxy"] == "intranet.example.test,127.0.0.1,localhost"


@pytest.mark.parametrize(("instances", "expected"), [(1, 8), (2, 16), (3, 24), (50, 24)])
def test_a_process_stands_for_as_many_instances_as_the_function_may_have(
    instances: int, expected: int
) -> None:
    # Given
    function = Function(
        name="fan",
        trigger="http",
        public=True,
        memory_mb=256,
        cpu=1,
        timeout_seconds=60,
        concurrency=8,
        max_instances=3,
    )
    # Then
    assert slots(function, instances) == expected


def test_a_function_knows_its_memory_and_a_process_that_of_its_instances() -> None:
    manifest = Manifest.read()
    function = manifest.functions["org_sync"]
    addresses = Addresses("demo-memory", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3")
    secrets = dict.fromkeys(manifest.secrets, "")

    one = of_function(function, manifest, addresses, secrets)
    two = of_function(function, manifest, addresses, secrets, instances=2)

    assert manifest.environment(function, "demo-memory")["MEMORY_MB"] == str(function.memory_mb)
    assert int(one["MEMORY_MB"]) == function.memory_mb
    assert int(two["MEMORY_MB"]) == 2 * function.memory_mb
