"""What stops a function before it takes its first request."""

import pytest
from pydantic import SecretStr, ValidationError

from deploy.manifest import Manifest
from shared.bootstrap.dead_letter import DeadLetterSettings
from shared.bootstrap.manual_sync import ManualSyncSettings
from shared.bootstrap.settings import EmulatorInProduction, refuse_emulators, start

EMULATORS = (
    "FIRESTORE_EMULATOR_HOST",
    "PUBSUB_EMULATOR_HOST",
    "FIREBASE_AUTH_EMULATOR_HOST",
    "CLOUD_TASKS_EMULATOR_HOST",
    "SECRET_MANAGER_EMULATOR_HOST",
)


@pytest.mark.parametrize("variable", EMULATORS)
def test_a_deployed_function_refuses_every_emulator(variable: str) -> None:
    with pytest.raises(EmulatorInProduction, match=variable):
        refuse_emulators({"K_SERVICE": "manual-sync", variable: "127.0.0.1:9099"})


@pytest.mark.parametrize("variable", EMULATORS)
def test_on_a_developers_machine_they_are_welcome(variable: str) -> None:
    refuse_emulators({variable: "127.0.0.1:9099"})
    refuse_emulators({"K_SERVICE": "manual-sync", variable: ""})


def given(cron_secret: str) -> ManualSyncSettings:
    return ManualSyncSettings(
        google_cloud_project="p",
        pos_sync_topic="t",
        later_queue="q",
        pubsub_rest_url="http://127.0.0.1:1",
        cron_secret=SecretStr(cron_secret),
    )


@pytest.mark.parametrize(
    "secret", ["", "short", "x" * 31, " ".join(["x" * 32] * 3), f"{'x' * 32} y"]
)
def test_a_secret_that_is_none_stops_the_function(secret: str) -> None:
    with pytest.raises(ValidationError) as refused:
        given(secret)
    assert len(secret) < 31 or secret not in str(refused.value)


def test_one_secret_or_two_are_taken() -> None:
    assert given("x" * 32)
    assert given(f"{'x' * 32} {'y' * 32}")


def test_dead_letter_is_told_the_topic_of_every_function(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    manifest = Manifest.read()
    environment = manifest.environment(manifest.functions["dead_letter"], "demo-p")
    for name, value in {**environment, "GOOGLE_CLOUD_PROJECT": "demo-p"}.items():
        monkeypatch.setenv(name, value)
    # When
    settings = start(DeadLetterSettings)
    # Then
    assert settings.topics_of_functions["org_sync"] == "projects/demo-p/topics/pos-sync"
    assert settings.topics_of_functions.keys() == manifest.topics_of_functions.keys()
    assert settings.later_queue.endswith("/queues/later")
