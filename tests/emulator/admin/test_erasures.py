"""Customers are erased by those who answer for all orgs, and it stands in the audit log."""

from tests.emulator.admin.client import MANAGER, OPERATOR, ORG, AdminClient
from tests.emulator.environment import SyncRunner
from tests.stored import StoredDocuments


def test_a_customer_is_erased_by_a_route(
    admin: AdminClient, sync: SyncRunner, store: StoredDocuments
) -> None:
    # Given
    sync.run(ORG)
    customer = next(iter(store.documents(f"tenants/{ORG}/customers")))
    named = {"customerId": customer, "confirm": customer}
    # When
    done = admin.post("erasures", OPERATOR, **named)
    # Then
    assert done["state"] == "done"
    assert customer not in store.documents(f"tenants/{ORG}/customers")
    [action] = admin.actions(orgId=ORG)
    assert (action["action"], action["by"]) == ("customer_erased", "operator")
    assert customer not in str(action)


def test_only_roles_for_every_org_erase_and_only_who_is_named_twice(
    admin: AdminClient, sync: SyncRunner, store: StoredDocuments
) -> None:
    # Given
    sync.run(ORG)
    before = set(store.documents(f"tenants/{ORG}/customers"))
    customer = min(before)
    # When
    refused = admin.refusal("erasures", MANAGER, customerId=customer, confirm=customer)
    mistaken = admin.refusal("erasures", OPERATOR, customerId=customer, confirm="another")
    unknown = admin.refusal(
        "erasures", OPERATOR, orgId="org_unknown", customerId=customer, confirm=customer
    )
    # Then
    assert [each[0] for each in (refused, mistaken, unknown)] == [403, 400, 404]
    assert set(store.documents(f"tenants/{ORG}/customers")) == before
