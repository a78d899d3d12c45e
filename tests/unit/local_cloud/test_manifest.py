"""The manifest's reader: defaults filled in, and nothing accepted that could not be deployed."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from deploy.manifest import Manifest
from deploy.resources import FirestoreTrigger, TopicTrigger

SMALL: dict[str, Any] = {
    "defaults": {
        "region": "us-east1",
        "runtime": "python311",
        "memory_mb": 512,
        "cpu": 1,
        "timeout_seconds": 300,
        "concurrency": 8,
        "max_instances": 20,
        "account_prefix": "acme",
    },
    "functions": {
        "reader": {"trigger": {"topic": "letters"}, "env": ["LETTERS", "LATER", "MODE"]},
        "watcher": {
            "trigger": {"firestore": {"document": "tenants/{orgId}", "event": "written"}},
            "memory_mb": 256,
        },
        "door": {"trigger": "http", "public": True, "timeout_seconds": 3600, "secrets": ["KEY"]},
    },
    "topics": ["letters", "dead-letters"],
    "env": {"LETTERS": {"topic": "letters"}, "LATER": {"queue": "later"}, "MODE": {"value": "x"}},
    "secrets": {"KEY": {"secret": "door-key", "version": 3}},
    "subscriptions": {
        "defaults": {
            "ack_deadline_seconds": 600,
            "min_backoff_seconds": 10,
            "max_backoff_seconds": 600,
            "max_delivery_attempts": 5,
            "dead_letter_topic": "dead-letters",
        },
        "watcher": {"min_backoff_seconds": 30},
    },
    "queues": {"later": {"rate_limits": {"max_dispatches_per_second": 5}}},
    "schedules": {
        "tick": {"cron": "* * * * *", "timezone": "UTC", "topic": "letters", "message": {"a": 1}}
    },
}
ALERT = {"metric": "m", "resource": "r", "aligner": "ALIGN_SUM", "above": 1, "for_seconds": 0}
OBJECTIVE = {"metric": "m", "resource": "r", "goal": 0.9, "below": 1}


def read(tmp_path: Path, *, at: str = "", value: object = None) -> Manifest:
    """The small manifest, with the value at a dotted path changed (None: taken out)."""
    raw = yaml.safe_load(yaml.safe_dump(SMALL))
    if at:
        *parents, last = at.split(".")
        section = raw
        for name in parents:
            section = section[name]
        section[last] = value
        if value is None:
            del section[last]
    file = tmp_path / "functions.yaml"
    file.write_text(yaml.safe_dump(raw))
    return Manifest.read(file)


def test_the_projects_own_manifest_can_be_read() -> None:
    manifest = Manifest.read()
    assert {"cron_fanout", "org_sync", "spending", "dead_letter"} <= set(manifest.functions)


def test_a_function_takes_from_the_defaults_what_it_does_not_say(tmp_path: Path) -> None:
    # When
    functions = read(tmp_path).functions
    # Then
    assert (functions["reader"].memory_mb, functions["watcher"].memory_mb) == (512, 256)
    assert functions["door"].timeout_seconds == 3600
    assert isinstance(functions["reader"].trigger, TopicTrigger)
    assert isinstance(functions["watcher"].trigger, FirestoreTrigger)
    assert functions["door"].trigger == "http"


def test_every_event_function_has_a_subscription_and_an_http_function_none(tmp_path: Path) -> None:
    # When
    functions = read(tmp_path).functions
    reader, watcher = functions["reader"].subscription, functions["watcher"].subscription
    # Then
    assert reader is not None
    assert watcher is not None
    assert (reader.min_backoff_seconds, watcher.min_backoff_seconds) == (10, 30)
    assert watcher.dead_letter_topic == "dead-letters"
    assert functions["door"].subscription is None


def test_variables_hold_full_resource_names(tmp_path: Path) -> None:
    # Given
    manifest = read(tmp_path)
    # When
    environment = manifest.environment(manifest.functions["reader"], "demo-p")
    # Then
    assert environment == {
        "LETTERS": "projects/demo-p/topics/letters",
        "LATER": "projects/demo-p/locations/us-east1/queues/later",
        "MODE": "x",
    }


def test_variables_hold_what_differs_between_deployments_and_functions(tmp_path: Path) -> None:
    # Given
    manifest = read(
        tmp_path,
        at="env",
        value={
            "LETTERS": {"deployment": "project"},
            "LATER": {"deployment": "database"},
            "MODE": {"own": "concurrency"},
        },
    )
    # When
    environment = manifest.environment(manifest.functions["reader"], "demo-p", "restored")
    # Then
    assert environment == {"LETTERS": "demo-p", "LATER": "restored", "MODE": "8"}


def test_a_service_account_is_given_as_its_address(tmp_path: Path) -> None:
    # Given
    manifest = read(tmp_path, at="accounts", value=["tasks"])
    # Then
    expected = "acme-tasks@demo-p.iam.gserviceaccount.com"
    assert manifest.account("tasks", "demo-p") == expected


def test_a_function_publishes_to_the_topics_of_its_variables_unless_it_says_which(
    tmp_path: Path,
) -> None:
    derived = read(tmp_path).functions["reader"]
    said = read(tmp_path, at="functions.reader.publishes", value=[]).functions["reader"]
    assert (derived.publishes, said.publishes) == (("letters",), ())


def test_every_function_has_the_variables_that_all_have(tmp_path: Path) -> None:
    functions = read(tmp_path, at="defaults.env", value=["MODE"]).functions
    assert functions["door"].env == functions["watcher"].env == ("MODE",)
    assert functions["reader"].env[:2] == ("MODE", "LETTERS")


def test_the_topics_of_functions_are_a_json_object(tmp_path: Path) -> None:
    # Given
    manifest = read(tmp_path, at="env.MODE", value={"topics_of": "functions"})
    # When
    environment = manifest.environment(manifest.functions["reader"], "demo-p")
    # Then
    assert json.loads(environment["MODE"]) == {"reader": "projects/demo-p/topics/letters"}


def test_the_local_cloud_gives_up_sooner_but_never_what_is_kept_for_good(tmp_path: Path) -> None:
    # Given
    manifest = Manifest.read()
    # When
    local = manifest.for_local_cloud()
    # Then
    policies = {
        name: function.subscription
        for name, function in local.functions.items()
        if function.subscription is not None
    }
    attempts = {name: policy.max_delivery_attempts for name, policy in policies.items()}
    assert attempts.pop("dead_letter") is None
    assert set(attempts.values()) == {5}
    assert {policy.max_backoff_seconds for policy in policies.values()} == {600}
    # and a manifest that says nothing of the local cloud stays as it is
    small = read(tmp_path)
    assert small.for_local_cloud() == small


def test_a_policy_can_be_made_quick_for_tests(tmp_path: Path) -> None:
    # When
    quick = read(tmp_path).with_policy(min_backoff_seconds=0, max_backoff_seconds=1)
    # Then
    policies = [each.subscription for each in quick.functions.values() if each.subscription]
    assert [each.min_backoff_seconds for each in policies] == [0, 0]
    assert [each.max_delivery_attempts for each in policies] == [5, 5]
    assert quick.functions["door"].subscription is None


@pytest.mark.parametrize(
    ("at", "value", "says"),
    [
        ("functions.reader.trigger", {"topic": "nowhere"}, "no such topic: nowhere"),
        ("functions.reader.env", ["NOTHING"], "no such variable: NOTHING"),
        ("functions.door.secrets", ["NOTHING"], "no such secret: NOTHING"),
        ("env.LATER", {"queue": "nowhere"}, "no such queue: nowhere"),
        ("env.LATER", {"account": "nobody"}, "no such account: nobody"),
        ("schedules.tick.topic", "nowhere", "no such topic: nowhere"),
        ("functions.reader.publishes", ["nowhere"], "no such topic: nowhere"),
        ("functions.reader.public", True, "an HTTP function is public, another is not"),
        ("functions.door.public", False, "an HTTP function is public, another is not"),
        ("functions.door.firestore", "own", "firestore"),
        ("secrets.KEY.version", "newest", "version"),
        ("secrets.KEY.version", 0, "version"),
        ("alerts", {"quiet": ALERT | {"absent": True}}, "above or absent"),
        ("alerts", {"quiet": ALERT | {"metric": "log:nowhere"}}, "no such log metric: nowhere"),
        ("log_metrics", {"watched": {}}, "event or filter"),
        ("log_metrics", {"late": {"filter": "x", "value": "y"}}, "a field of an event"),
        ("objectives", {"quick": OBJECTIVE | {"good": "x"}}, "good, or below"),
        ("subscriptions.defaults.dead_letter_topic", "nowhere", "no such topic: nowhere"),
        ("subscriptions.door", {"min_backoff_seconds": 1}, "subscriptions of no event function"),
        ("functions.reader.colour", "red", "colour"),
        ("functions.reader.timeout_seconds", 541, "540 s at most"),
        ("subscriptions.defaults.ack_deadline_seconds", 60, "delivered again while"),
        ("subscriptions.defaults.ack_deadline_seconds", 601, "ack_deadline_seconds"),
        ("subscriptions.defaults.min_backoff_seconds", 601, "min_backoff_seconds"),
        ("subscriptions.defaults.max_backoff_seconds", 5, "over max_backoff_seconds"),
        ("subscriptions.defaults.max_delivery_attempts", 4, "max_delivery_attempts"),
        ("subscriptions.defaults.retention_seconds", 599, "retention_seconds"),
        (
            "subscriptions.watcher",
            {"max_delivery_attempts": 100, "retention_seconds": 600},
            "dropped before its last delivery",
        ),
        ("subscriptions.defaults.max_delivery_attempts", None, "go together"),
        ("functions.door.memory_mb", 64, "memory_mb"),
        ("topics", ["letters", "dead-letters", "ab"], "topics"),
    ],
)
def test_what_could_not_be_deployed_is_refused(
    tmp_path: Path, at: str, value: object, says: str
) -> None:
    with pytest.raises((ValidationError, ValueError), match=says):
        read(tmp_path, at=at, value=value)
