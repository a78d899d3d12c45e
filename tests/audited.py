"""What people can change, by route and by command, and as what it stands in the audit log."""

from collections.abc import Mapping, Sequence

from shared.store.audit import Action

ROUTES: Mapping[tuple[str, str], Sequence[Action]] = {
    ("manual_sync", "POST /api/pos/sync"): ("sync_started", "dry_run_started"),
    ("manual_sync", "POST /api/pos/metrics"): ("metrics_started",),
    ("manual_sync", "POST /api/pos/customers"): ("pos_customer_created",),
    ("manual_sync", "POST /api/pos/orders"): ("pos_order_created",),
    ("manual_sync", "POST /api/pos/orders/{orderId}/discount"): ("pos_discount_applied",),
    ("loyalty_api", "POST /api/loyalty/sync"): ("loyalty_started",),
    ("admin_api", "POST /api/admin/removals"): ("removal_approved", "removal_refused"),
    ("admin_api", "POST /api/admin/quarantine/replay"): ("quarantine_replayed",),
    ("admin_api", "POST /api/admin/dead-letters/replay"): ("dead_letter_replayed",),
    ("admin_api", "POST /api/admin/loyalty/reviewed"): ("loyalty_reviewed",),
    ("admin_api", "POST /api/admin/erasures"): ("customer_erased",),
    ("admin_api", "POST /api/admin/locations"): ("location_added",),
    ("admin_api", "POST /api/admin/locations/{locationId}"): ("location_changed",),
    ("admin_api", "POST /api/admin/locations/{locationId}/pause"): ("location_paused",),
    ("admin_api", "POST /api/admin/locations/{locationId}/resume"): (
        "location_resumed",
        "sync_started",
    ),
    ("admin_api", "POST /api/admin/settings"): ("settings_changed",),
    ("admin_api", "POST /api/admin/alerts/test"): ("alerts_tested",),
}
"""Routes other than GET that are a person's action."""

NO_ACTION: Mapping[tuple[str, str], str] = {
    ("manual_sync", "POST /api/cron/pos-sync"): "no person's: the runs say that a program asked",
    ("admin_api", "POST /api/admin/locations/test"): "it stores nothing",
    ("dashboard", "POST /api/session"): "Firebase keeps who signs in",
    ("dashboard", "DELETE /api/session"): "as above",
    ("dashboard", "POST /sign-in"): "as above",
    ("dashboard", "POST /sign-out"): "as above",
    ("webhooks", "POST /api/webhooks/alleaves"): "the POS's: the event is stored",
    ("webhooks", "POST /api/webhooks/alleaves/{orgId}"): "as above",
    ("webhooks", "POST /api/webhooks/lightspeed/sale-created"): "as above",
    ("webhooks", "POST /api/webhooks/lightspeed/sale-created/{orgId}"): "as above",
    ("webhooks", "POST /api/webhooks/lightspeed/sale-created/{orgId}/{secret}"): "as above",
}
"""The other routes other than GET, and why not."""

COMMANDS: Mapping[str, Sequence[Action]] = {
    "sync": ("sync_started", "dry_run_started"),
    "verify": ("repair_started",),
    "removals": ("removal_approved", "removal_refused"),
    "dead-letters": ("dead_letter_replayed",),
    "replay": ("dead_letter_replayed", "quarantine_replayed"),
    "discrepancies": ("loyalty_reviewed",),
    "connect": ("location_added", "location_changed", "sync_started"),
    "pause": ("location_paused",),
    "resume": ("location_resumed",),
    "secret rotate": ("location_changed", "settings_changed", "webhook_secret_exchanged"),
    "webhook": ("webhook_secret_exchanged",),
    "import-ecom": ("export_imported",),
    "erase": ("customer_erased", "org_erasure_asked", "org_erased"),
}
"""Commands that can change something; ``webhook`` makes an address's secret where there is none."""

OTHER_PROGRAMS: Sequence[Action] = ("webhooks_registered", "webhooks_removed")
"""Of ``deploy.lightspeed_webhooks``."""

READING = frozenset(
    {
        *("orgs", "status", "check", "runs", "why", "incidents", "quarantine", "tail", "doctor"),
        *("token", "audit"),
    }
)
"""Commands that change nothing; ``token`` makes an account of the local cloud."""
