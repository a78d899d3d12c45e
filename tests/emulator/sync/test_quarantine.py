"""Records leave quarantine once they can be read, those too whose id could not be."""

import pytest

from tests.emulator.sync.world import World

ORG = "org_test"


@pytest.mark.parametrize("damage", ["missing_id", "not_an_object", "text_for_number", "null_dates"])
def test_customers_leave_quarantine_with_the_next_whole_list(world: World, damage: str) -> None:
    # Given customers of whom not even the id can be read
    world.fault("malformed", endpoint="customers", damage=damage, records=3)
    world.sync(ORG)

    # When the POS lists everybody as it should
    world.no_faults()
    run = world.sync(ORG)

    # Then nobody is in quarantine any more
    assert run["state"] == "succeeded"
    assert world.documents(f"tenants/{ORG}/quarantine") == {}
    assert world.status(ORG)["quarantined"] == 0
    assert len(world.documents(f"tenants/{ORG}/customers")) == 230
