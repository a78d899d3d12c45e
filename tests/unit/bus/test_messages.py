"""What may stand in a message."""

import pytest

from shared.bus.messages import PosSync
from shared.errors import InvalidMessage


@pytest.mark.parametrize("org_id", ["", ".", "..", "a/b", "/", "x" * 201, "__x__", "\ud800"])
def test_an_id_that_is_no_segment_of_a_path_is_refused(org_id: str) -> None:
    with pytest.raises(InvalidMessage, match="orgId"):
        PosSync.parse({"orgId": org_id, "runId": "monday", "trigger": "cron"})


@pytest.mark.parametrize("org_id", ["org_a", "a.b", ".a", "..a", "...", "1", "ü"])
def test_any_other_id_is_taken_as_it_is(org_id: str) -> None:
    message = PosSync.parse({"orgId": org_id, "runId": "monday", "trigger": "cron"})
    assert message.org_id == org_id
