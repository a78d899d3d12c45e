"""Records leave quarantine once they can be read, those too whose id could not be."""

import pytest

from tests.emulator.environment import SyncRunner
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
    assert len(store.documents(f"tenants/{ORG}/customers")) == 230
