"""Which command a pos-sync message carries."""

from typing import Any

import pytest

from shared.bus.messages import STREAMS, PosSync
from shared.errors import InvalidMessage
from shared.services.sync.commands import (
    PreviewSync,
    RefreshSales,
    SyncCommand,
    SyncOrg,
    SyncRecords,
    command_of,
)

ONE_ORDER = SyncRecords("org_a", "run-1", "cron", frozenset(), frozenset({"7"}), frozenset())


def message(**fields: Any) -> PosSync:
    return PosSync.parse({"orgId": "org_a", "runId": "run-1", "trigger": "cron", **fields})


@pytest.mark.parametrize(
    ("fields", "command"),
    [
        ({}, SyncOrg("org_a", "run-1", "cron")),
        (
            {"full": True, "allowDeletions": True, "streams": ["orders"], "requestedBy": "kim"},
            SyncOrg("org_a", "run-1", "cron", True, True, ("orders",), "kim"),
        ),
        ({"dryRun": True}, PreviewSync(SyncOrg("org_a", "run-1", "cron"))),
        ({"asStored": True}, RefreshSales("org_a", "run-1")),
        ({"orderIds": ["7"]}, ONE_ORDER),
        ({"orderIds": ["7"], "asStored": True}, ONE_ORDER),
    ],
)
def test_each_kind_of_message_is_a_command_of_its_own(
    fields: dict[str, Any], command: SyncCommand
) -> None:
    assert command_of(message(**fields)) == command


@pytest.mark.parametrize("ids", ["customerIds", "orderIds", "productIds"])
def test_a_dry_run_of_named_records_is_refused_since_fetching_them_would_write(ids: str) -> None:
    with pytest.raises(InvalidMessage, match="dryRun"):
        command_of(message(dryRun=True, **{ids: ["7"]}))


def test_a_continuation_asks_for_the_same_run() -> None:
    # Given a sync that ran out of time
    command = SyncOrg("org_a", "run-1", "manual", True, True, ("orders", "products"), "kim")

    # When its continuation is sent and received
    received = command_of(PosSync.parse(command.continuation().to_json()))

    # Then it is the same but for the trigger
    assert received == SyncOrg(
        "org_a", "run-1", "continuation", True, True, ("orders", "products"), "kim"
    )


def test_a_sync_of_no_streams_in_particular_is_one_of_all() -> None:
    assert SyncOrg("org_a", "run-1", "cron").stream_names == STREAMS
