"""From a changed document to a function, through Google's Firestore emulator."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from google.cloud import firestore

from deploy.local.clients import firestore_client
from deploy.local.stack import Stack
from tests.emulator.local_cloud.collector import Collector


@pytest.fixture
def client(stack: Stack) -> Iterator[firestore.Client]:
    with closing(firestore_client(stack.firestore, stack.project)) as client:
        yield client


def test_a_change_arrives_with_both_states_and_what_changed(
    stack: Stack, client: firestore.Client, collector: Collector, token: str
) -> None:
    # Given
    order = client.document(f"tenants/org-a/orders/{token}")
    order.set({"total": 12, "status": "ready"})
    collector.wait(token)
    # When
    order.update({"status": "completed"})
    # Then
    report = collector.wait(token, 2)[1].json
    event, change = report["event"], report["data"]
    name = f"projects/{stack.project}/databases/(default)/documents/{order.path}"
    assert event["type"] == "google.cloud.firestore.document.v1.written"
    assert event["source"] == (
        f"//firestore.googleapis.com/projects/{stack.project}/databases/(default)"
    )
    assert event["subject"] == f"documents/{order.path}"
    assert event["document"] == order.path
    assert (event["database"], event["namespace"]) == ("(default)", "(default)")
    assert change["value"]["name"] == change["old_value"]["name"] == name
    assert change["value"]["fields"]["status"]["string_value"] == "completed"
    assert change["old_value"]["fields"]["status"]["string_value"] == "ready"
    assert change["value"]["fields"]["total"]["integer_value"] in (12, "12")
    assert change["update_mask"]["field_paths"] == ["status"]


def test_a_deletion_arrives_with_the_old_state_alone(
    client: firestore.Client, collector: Collector, token: str
) -> None:
    # Given
    order = client.document(f"tenants/org-a/orders/{token}")
    order.set({"total": 12})
    collector.wait(token)
    # When
    order.delete()
    # Then
    change = collector.wait(token, 2)[1].json["data"]
    assert not change.get("value")
    assert change["old_value"]["name"].endswith(token)


def test_other_documents_are_none_of_the_functions_business(
    client: firestore.Client, collector: Collector, token: str
) -> None:
    # When
    client.document(f"tenants/org-a/customers/{token}").set({"a": 1})
    client.document(f"tenants/org-a/orders/{token}").set({"a": 1})
    # Then
    collector.wait(token)
    documents = [each.json["event"]["document"] for each in collector.got(token)]
    assert documents == [f"tenants/org-a/orders/{token}"]


def test_a_change_that_a_function_could_not_take_comes_again(
    client: firestore.Client, collector: Collector, token: str
) -> None:
    # Given
    collector.fail(token, times=1)
    # When
    client.document(f"tenants/org-a/orders/{token}").set({"a": 1})
    # Then
    first, second = collector.wait(token, 2)
    assert first.json["event"]["id"] == second.json["event"]["id"]
