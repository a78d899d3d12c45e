"""What stands of a customer where programs and failures have left it."""

import json
from datetime import datetime
from typing import Any

import msgpack
from google.cloud.firestore import Client

from shared.store import loyalty_runs
from shared.store.database import Database
from tests.emulator.erasure.erasing import E164, EMAIL, FIRST, LAST, ORG, PHONE

NAME = f"{FIRST} {LAST}"


def seed(
    client: Client, customer_id: str, now: datetime, org_id: str = ORG, *, orders: bool = True
) -> None:
    """What programs and failures of other days would have left; ``orders``: among it orders of
    which the POS knows nothing."""
    database = Database(client)
    org = client.document(f"tenants/{org_id}")
    said = f"customer {customer_id}, {NAME} <{EMAIL.upper()}>, {PHONE}, did not fit"
    raw = json.dumps({"id_customer": int(customer_id), "name": NAME, "email": EMAIL})
    contents: dict[str, dict[str, Any]] = {
        "quarantine/customers_raw-1": {"stream": "customers", "raw": raw, "message": said},
        f"quarantine/customers_{customer_id}": {"stream": "customers", "raw": "{", "message": ""},
        "quarantine/orders_alleaves_7": {"stream": "orders", "raw": raw, "message": said},
        "webhook_events/w1": {"customerIds": [customer_id, "5"], "state": "done", "raw": raw},
        "spending_requests/s1": {"customerIds": [customer_id, "5"], "customers": 2},
        "sync_runs/r9": {
            "state": "succeeded",
            "errors": [{"message": said}],
            "holds": {"customers": {"reason": said, "recordIds": [customer_id, "6"]}},
        },
        "sync_reports/d1": {
            "streams": {
                "customers": {
                    "changes": [
                        {"id": customer_id, "fields": {"email": {"old": EMAIL}}},
                        {"id": "6", "fields": {}},
                    ]
                },
                "orders": {"changes": [{"id": "alleaves_1", "fields": {"customer": {"new": raw}}}]},
            }
        },
        "loyalty_runs/l1": {"error": {"message": said}},
        "loyalty_state/progress": {"alert": said},
        "verifications/2026-01-01": {
            "differences": [
                {"path": f"tenants/{org_id}/customers/{customer_id}", "note": said},
                {"path": f"tenants/{org_id}/customers/6", "note": ""},
            ]
        },
        "incidents/i1": {"title": "A sync fails", "body": said, "state": "open"},
        "notifications/n1": {"body": said},
        "audit/a1": {"target": customer_id, "action": "loyalty_reviewed", "at": now},
        "pos_writes/p1": {"content": "hash", "result": None, "part": said},
        "skipped_orders/alleaves_77": {"posCustomerId": customer_id, "orderId": "alleaves_77"},
        f"customers/{customer_id}/points_ledger/o1": {"orderId": "o1", "note": NAME},
        f"customer_spending/{EMAIL}": {"customerId": customer_id, "email": EMAIL, "orgId": org_id},
        "orders/ecom_12": {
            "ecomKeys": [EMAIL, E164],
            "customer": {"email": EMAIL, "name": NAME, "phone": PHONE},
            "ecomNumber": "12",
            "source": "ecom",
            "total": 5.0,
        },
        "orders/another": {
            "customerId": "100001",
            "customer": {"email": EMAIL, "name": NAME, "phone": PHONE},
            "total": 7.0,
        },
        "sync_manifests/lightspeed_orders-0": {
            "entries": msgpack.packb({"x": b"k" + bytes(12) + customer_id.encode(), "y": b"r"}),
            "count": 2,
        },
    }
    for path, fields in contents.items():
        if not orders and path.startswith("orders/"):
            continue
        client.document(f"{org.path}/{path}").set(fields)
    message = json.dumps({"orgId": org_id, "customerIds": [customer_id, "5"], "note": said})
    client.document("dead_letters/m1").set(
        {"orgId": org_id, "data": message, "message": said, "dataSha256": "x", "topic": "spending"}
    )
    client.document("dead_letters/m2").set({"orgId": None, "data": said, "topic": "spending"})
    state = loyalty_runs.load_state(database, org_id)
    for each in (customer_id, "5"):
        state.put(each, loyalty_runs.entry_of(database, org_id, each))
    for group in state.take_writes():
        database.commit(group)
