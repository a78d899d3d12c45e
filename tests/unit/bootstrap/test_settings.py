"""What stops a function before it takes its first request."""

import importlib
import os
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from deploy.manifest import Manifest
from shared.bootstrap.dead_letter import DeadLetterSettings
from shared.bootstrap.http import HttpFunction
from shared.bootstrap.later import LaterSettings
from shared.bootstrap.manual_sync import ManualSyncSettings
from shared.bootstrap.settings import (
    EmulatorInProduction,
    FunctionSettings,
    SettingsInvalid,
    refuse_emulators,
    start,
)
from shared.bootstrap.webhooks import WebhookSettings

EMULATORS = (
    "FIRESTORE_EMULATOR_HOST",
    "PUBSUB_EMULATOR_HOST",
    "FIREBASE_AUTH_EMULATOR_HOST",
    "CLOUD_TASKS_EMULATOR_HOST",
    "SECRET_MANAGER_EMULATOR_HOST",
    "KMS_EMULATOR_HOST",
)

FUNCTIONS = sorted(Manifest.read().functions)
SECRET_READERS = {"SecretSettings", "pos_opener", "account_opener", "loyalty_opener"}
SECRET_WRITERS = {"pos_opener", "admin_settings"}


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
        firestore_database="(default)",
        pos_sync_topic="t",
        metrics_topic="t",
        later_queue="q",
        task_service_account="tasks@p.iam.gserviceaccount.com",
        pubsub_rest_url="http://127.0.0.1:1",
        cron_secret=SecretStr(cron_secret),
    )


@pytest.mark.parametrize(
    "secret", ["", "short", "x" * 31, " ".join(["x" * 32] * 3), f"{'x' * 32} y"]
)
def test_a_secret_that_is_none_stops_the_function(secret: str) -> None:
    with pytest.raises(ValidationError, match="cron_secret") as refused:
        given(secret)
    assert len(secret) < 31 or secret not in str(refused.value)


def test_one_secret_or_two_are_taken() -> None:
    assert given("x" * 32)
    assert given(f"{'x' * 32} {'y' * 32}")


@pytest.mark.parametrize(("given", "taken"), [(None, ""), ("", ""), (" \n", ""), ("x y\n", "x y")])
def test_the_webhook_secret_of_the_environment_is_optional(
    monkeypatch: pytest.MonkeyPatch, given: str | None, taken: str
) -> None:
    for name in ("GOOGLE_CLOUD_PROJECT", "FIRESTORE_DATABASE", "POS_SYNC_TOPIC"):
        monkeypatch.setenv(name, "p")
    if given is not None:
        monkeypatch.setenv("ALLEAVES_WEBHOOK_SECRET", given)

    settings = start(WebhookSettings)

    assert settings.alleaves_webhook_secret.get_secret_value() == taken
    assert "x y" not in repr(settings)


def test_the_webhook_secret_of_the_environment_comes_from_secret_manager() -> None:
    manifest = Manifest.read()

    assert "ALLEAVES_WEBHOOK_SECRET" in manifest.functions["webhooks"].secrets
    assert manifest.secrets["ALLEAVES_WEBHOOK_SECRET"].local == ""


def test_dead_letter_is_told_the_topic_of_every_function(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    manifest = Manifest.read()
    environment = manifest.environment(manifest.functions["dead_letter"], "demo-p")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # When
    settings = start(DeadLetterSettings)
    # Then
    assert settings.topics_of_functions["org_sync"] == "projects/demo-p/topics/pos-sync"
    assert settings.topics_of_functions.keys() == manifest.topics_of_functions.keys()
    assert settings.later_queue.endswith("/queues/later")


def settings_of(function: str) -> type[FunctionSettings]:
    """The model by which a function checks its environment."""
    module = importlib.import_module(f"shared.bootstrap.{function}")
    if hasattr(module, "FUNCTION"):
        wired: HttpFunction[Any] = module.FUNCTION
        return wired.model
    [own] = [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, FunctionSettings)
        and each.__module__ == module.__name__
    ]
    return own


def needed(function: str) -> list[str]:
    """The variables that a function in the cloud cannot do without."""
    model = settings_of(function)
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    tasks = ["task_service_account"] if issubclass(model, LaterSettings) else []
    return [name.upper() for name in (*required, *tasks)]


@pytest.fixture
def deployed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment is what the deployment gives the function, and nothing else."""
    manifest = Manifest.read()
    function = manifest.functions[request.param]
    for name in os.environ:
        monkeypatch.delenv(name)
    for name in function.secrets:
        monkeypatch.setenv(name, "a-secret-of-at-least-thirty-two-characters")
    for name, value in manifest.environment(function, "demo-p").items():
        monkeypatch.setenv(name, value)
    return function.name


@pytest.mark.parametrize("deployed", FUNCTIONS, indirect=True)
def test_every_function_is_given_the_settings_that_it_needs(deployed: str) -> None:
    settings = settings_of(deployed)()
    assert (settings.google_cloud_project, settings.firestore_database) == ("demo-p", "(default)")


@pytest.mark.parametrize(
    ("deployed", "variable"),
    [(function, variable) for function in FUNCTIONS for variable in needed(function)],
    indirect=["deployed"],
)
def test_a_function_without_a_setting_that_it_needs_refuses_with_its_name(
    deployed: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(SettingsInvalid, match=variable):
        start(settings_of(deployed))


def test_with_the_emulator_tasks_need_no_service_account(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    manifest = Manifest.read()
    environment = manifest.environment(manifest.functions["order_recompute"], "demo-p")
    del environment["TASK_SERVICE_ACCOUNT"]
    for name, value in {**environment, "CLOUD_TASKS_EMULATOR_HOST": "127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TASK_SERVICE_ACCOUNT", raising=False)
    # Then
    assert settings_of("order_recompute")()


@pytest.mark.parametrize("deployed", ["manual_sync"], indirect=True)
def test_what_is_wrong_with_a_secret_is_said_without_the_secret(
    deployed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRON_SECRET", "far too short")
    with pytest.raises(SettingsInvalid, match="CRON_SECRET") as refused:
        start(settings_of(deployed))
    assert "far too short" not in str(refused.value)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_manifest_allows_a_function_what_its_code_does(name: str) -> None:
    function = Manifest.read().functions[name]
    code = vars(importlib.import_module(f"shared.bootstrap.{name}"))
    assert (function.firestore is not None) == ("database" in code)
    assert function.sessions == ("staff_rule" in code)
    assert function.org_secrets == (not code.keys().isdisjoint(SECRET_READERS))
    assert function.replaces_secrets == (not code.keys().isdisjoint(SECRET_WRITERS))
    assert ("later" in code) == ("LATER_QUEUE" in function.env)
    assert bool(function.publishes) == ("publisher" in code)
