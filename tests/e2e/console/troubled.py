"""An org whose sync is in every trouble at once, as its pages would show it: written down, not
synced. Its only location rests, so that nothing changes while tests look."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.firestore import Client

from shared.domain.incidents import Incident
from shared.domain.runs import RunState, StreamCounts
from shared.pos.port import Rejected
from shared.services.admin.audit import Actor, record_action
from shared.store import dead_letters, incidents, paths, quarantine, runs, status
from shared.store.audit import Action
from shared.store.database import Database
from shared.store.runs import Cost, Hold, Run, RunError
from shared.store.status import StreamStanding, SyncProgress

TROUBLED_ORG = "org_hazel"
REFUSED = "The point of sale does not accept the sign-in (401). It is the dispensary's turn."
HELD = "20 of 30 records are missing from the list of the point of sale, more than 20%."
RUN, REPORT = "run-2", "manual-report"


def write(client: Client) -> None:
    """Write the org into the cloud."""
    database, now = Database(client), datetime.now(UTC)
    client.document(f"locations/{TROUBLED_ORG}_main").set(_location())
    client.document(f"tenants/{TROUBLED_ORG}").set(
        {
            "name": "Hazel & Daughters Dispensary of Upper Riverside",
            "alerts": {"urls": ["mailto://ops:secret@mail.example.com"], "notify": []},
            "sync": {"lookbackDays": 0},
        }
    )
    client.document(paths.pos_status(TROUBLED_ORG)).set(_status(now))
    database.commit(
        [
            status.put_progress(TROUBLED_ORG, "alleaves", _progress()),
            runs.put(TROUBLED_ORG, "run-1", _run(now - timedelta(hours=5), RunState.SUCCEEDED)),
            runs.put(TROUBLED_ORG, RUN, _run(now - timedelta(hours=4), RunState.PARTIAL)),
            runs.put(TROUBLED_ORG, "run-3", _run(now - timedelta(hours=3), RunState.FAILED)),
            runs.put_report(
                TROUBLED_ORG,
                REPORT,
                _run(now - timedelta(minutes=9), RunState.HELD),
                _changes(),
                complete=True,
                spending_of=3,
            ),
            *(
                quarantine.put(
                    TROUBLED_ORG,
                    stream,
                    rejected,
                    run_id=RUN,
                    now=now,
                    first=True,
                    provider="alleaves",
                )
                for stream, rejected in _rejected()
            ),
        ]
    )
    for incident in _incidents(now):
        incidents.write(database, incident, None)
    _dead_letters(database, now)
    _actions(database, now)


def _location() -> dict[str, Any]:
    config = {
        "provider": "alleaves",
        "status": "paused",
        "username": "hazel",
        "password": "wrong",
        "pasword": "misspelt",
        "locationId": "1000",
    }
    return {"orgId": TROUBLED_ORG, "name": "Upper Riverside", "posConfig": config}


def _status(now: datetime) -> dict[str, Any]:
    return {
        "orgId": TROUBLED_ORG,
        "name": "Hazel & Daughters Dispensary of Upper Riverside",
        "nameKey": "hazel & daughters dispensary of upper riverside",
        "provider": "alleaves",
        "status": "paused",
        "lastError": REFUSED,
        "lastErrorOwner": "org",
        "failingSince": now - timedelta(hours=3),
        "lastSuccessAt": now - timedelta(hours=5),
        "lastSyncAt": now - timedelta(hours=3),
        "customersCount": 12_500,
        "ordersCount": 1_204_300,
        "menuProductsCount": 864,
        "deletionsHeld": 20,
        "quarantined": 2,
        "warnings": [
            "Ignored in tenants/org_hazel: 'sms' in alerts.notify is none of those known."
        ],
        "streams": {
            "customers": {"lastSuccessAt": now - timedelta(hours=5)},
            "products": {"lastSuccessAt": now - timedelta(hours=5), "heldBecause": HELD},
        },
        "verification": {
            "verifiedAt": now - timedelta(hours=30),
            "ok": False,
            "customers": 12_500,
            "orders": 1_204_300,
            "differences": 2,
        },
    }


def _progress() -> SyncProgress:
    gone = [str(2000 + number) for number in range(20)]
    holds = {
        "products": Hold(reason=HELD, count=20, id="5f2a", record_ids=gone),
        "customers": Hold(
            reason="The list of customers is empty.", count=12_500, id="77aa", proven=False
        ),
    }
    return SyncProgress(holds=holds, streams={"products": StreamStanding()})


def _run(began: datetime, state: RunState) -> Run:
    run = Run(
        state=state,
        trigger="manual" if state is RunState.PARTIAL else "cron",
        started_at=began,
        ended_at=began + timedelta(seconds=95),
        cost=Cost(reads=240, writes=31, deletes=2),
        streams={
            "customers": StreamCounts(fetched=2_500, updated=12, requests=25, seconds=31.5),
            "orders": StreamCounts(
                fetched=900, created=14, skipped=3, requests=9, skipped_reasons={"no_buyer": 3}
            ),
            "products": StreamCounts(fetched=10, quarantined=2, requests=1, seconds=1.2),
        },
    )
    if state is RunState.FAILED:
        run.error = RunError(code="credentials_rejected", owner="org", message=REFUSED)
        run.streams = {}
    if state is RunState.PARTIAL:
        told = "2 products could not be read: see the quarantine; the rest is in."
        run.errors = [
            RunError(code="quarantined", owner="provider", message=told, stream="products")
        ]
    if state is RunState.HELD:
        run.holds = {"products": Hold(reason=HELD, count=20)}
    return run


def _changes() -> dict[str, dict[str, Any]]:
    price = {"price": {"old": 24, "new": 21.5}, "isOnSale": {"old": False, "new": True}}
    words = {"name": {"new": "Blue Dream 3.5 g"}, "brand": {"new": "A brand with a long name"}}
    return {
        "customers": {"updated": 0, "changes": []},
        "orders": {"created": 0, "changes": []},
        "products": {
            "created": 1,
            "updated": 2,
            "removed": 1,
            "changes": [
                {"id": "2001", "kind": "updated", "fields": price},
                {"id": "2300", "kind": "created", "fields": words},
                {"id": "2002", "kind": "removed", "fields": {}},
            ],
            "changesLeftOut": 1,
            "quarantine": [{"id": "2400", "errorCode": "invalid_record", "message": "no price"}],
        },
    }


def _rejected() -> list[tuple[str, Rejected]]:
    sent = {"id_item": "2400", "name": "An edible", "prices": [None, "a lot"], "notes": "x" * 120}
    return [
        ("products", Rejected("2400", "invalid_record", "price_otd: no number", json.dumps(sent))),
        ("customers", Rejected("", "no_id", "the record has no id", '{"name_first": "Ash"}')),
    ]


def _incidents(now: datetime) -> list[Incident]:
    return [
        Incident(
            key="sync_paused",
            org_id=TROUBLED_ORG,
            title="The sync is paused",
            body=f"{REFUSED}\n\nCorrect the password in the settings, then resume.",
            opened_at=now - timedelta(hours=3),
            sent_at=now - timedelta(hours=3),
            attempts=1,
        ),
        Incident(
            key="overdue",
            org_id=TROUBLED_ORG,
            title="The sync is late",
            body="No sync has succeeded for two hours.",
            opened_at=now - timedelta(days=4),
        ).resolved(now - timedelta(days=3)),
    ]


def _dead_letters(database: Database, now: datetime) -> None:
    cause = RunError(code="provider_unreachable", owner="provider", message="There was no answer.")
    for number in range(2):
        message = {"orgId": TROUBLED_ORG, "runId": f"run-{number}", "filler": "x" * 1_200 * number}
        dead_letters.record(
            database,
            f"letter-{number}",
            topic="pos-sync",
            data=json.dumps(message).encode(),
            code="delivery_attempts_exhausted",
            reason="not processed after 40 deliveries",
            now=now - timedelta(hours=number),
            cause=None if number else cause,
        )


def _actions(database: Database, now: datetime) -> None:
    done: list[tuple[Action, str]] = [
        ("removal_refused", "products 5f2a91c4d07b"),
        ("location_paused", "hazel"),
        ("customer_erased", "8d4c1f0e5b7a4c2f9e6d3b1a0c8f7e5d"),
    ]
    for number, (action, target) in enumerate(done):
        record_action(
            database,
            Actor("sync-sam:operator@example.com" if number else "u1", "" if number else "r-7"),
            action,
            org_id=TROUBLED_ORG,
            target=target,
            now=now - timedelta(hours=number),
        )
