"""Records leave quarantine once they can be read, those too whose id could not be."""

from datetime import timedelta

import pytest

from shared.store.quarantine import KEPT, RENEWED
from tests.emulator.environment import SMALL, SyncRunner
from tests.fakes import OffsetClock
from tests.simulated_pos import SimulatedPos
from tests.stored import StoredDocuments

ORG = "org_test"


@pytest.mark.parametrize("damage", ["missing_id", "not_an_object", "text_for_number", "null_dates"])
def test_customers_leave_quarantine_with_the_next_whole_list(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, damage: str
) -> None:
    # Given customers of whom not even the id can be read
    pos.fault("malformed", endpoint="customers", damage=damage, records=3)
    sync.run(ORG)

    # When the POS lists everybody as it should
    pos.clear_faults()
    run = sync.run(ORG)

    # Then nobody is in quarantine any more
    assert run["state"] == "succeeded"
    assert store.documents(f"tenants/{ORG}/quarantine") == {}
    assert store.status(ORG)["quarantined"] == 0
    assert len(store.documents(f"tenants/{ORG}/customers")) == SMALL.customers


def test_a_customer_who_stays_unreadable_is_still_in_quarantine_when_the_first_entry_has_expired(
    store: StoredDocuments, pos: SimulatedPos, sync: SyncRunner, clock: OffsetClock
) -> None:
    # Given a customer of an id that no document can have
    template = pos.data(ORG)["customers"][0]
    pos.add(ORG, "customers", {**template, "id_customer": "__x__", "email": "odd@example.com"})
    sync.run(ORG)
    ((path, first),) = store.documents(f"tenants/{ORG}/quarantine").items()
    assert first["expireAt"] == first["lastSeenAt"] + KEPT

    # When a day later it is listed again, Then nothing is written
    clock.later = timedelta(days=1)
    sync.run(ORG)
    assert store.documents(f"tenants/{ORG}/quarantine") == {path: first}

    # When a month later it is still listed
    clock.later = RENEWED + timedelta(days=2)
    sync.run(ORG)

    # Then it is kept for another year
    ((again, second),) = store.documents(f"tenants/{ORG}/quarantine").items()
    assert (again, second["firstSeenAt"]) == (path, first["firstSeenAt"])
    assert second["expireAt"] == second["lastSeenAt"] + KEPT >= first["expireAt"] + RENEWED
