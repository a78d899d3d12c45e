"""Where everything stands in Firestore. No other file spells a path."""

LOCATIONS = "locations"
DEAD_LETTERS = "dead_letters"
RATE_LIMITS = "rate_limits"
INCIDENTS = "incidents"
INTEGRATIONS = "integrations"
POS = "pos"
QUARANTINE = "quarantine"
SYNC_RUNS = "sync_runs"
ROSTER = "fleet/roster"
"""Which orgs the schedule knows."""


def tenant(org_id: str) -> str:
    return f"tenants/{org_id}"


def org_of(path: str) -> str:
    """The org whose document stands at a path below ``tenants``."""
    return path.split("/")[1]


def customers(org_id: str) -> str:
    return f"{tenant(org_id)}/customers"


def orders(org_id: str) -> str:
    return f"{tenant(org_id)}/orders"


def skipped_orders(org_id: str) -> str:
    """Orders that match no customer, by the id that the order's document would have."""
    return f"{tenant(org_id)}/skipped_orders"


def org_of_order(path: str) -> str | None:
    """The org whose order stands at that path; None where none does."""
    match path.split("/"):
        case ["tenants", org_id, "orders", _]:
            return org_id
    return None


def customer_spending(org_id: str) -> str:
    return f"{tenant(org_id)}/customer_spending"


def products(org_id: str) -> str:
    return f"{tenant(org_id)}/products"


def menu_items(org_id: str) -> str:
    """The public copy of the products."""
    return f"{tenant(org_id)}/publicViews/products/items"


def discounts(org_id: str) -> str:
    """The POS's discounts that run or are to come."""
    return f"{tenant(org_id)}/discounts"


def metadata(org_id: str) -> str:
    return f"{tenant(org_id)}/metadata"


def price_history(org_id: str, product_id: str) -> str:
    return f"{products(org_id)}/{product_id}/price_history"


def pos_write(org_id: str, key: str) -> str:
    """What the POS was asked to make under an idempotency key, and what came of it."""
    return f"{tenant(org_id)}/pos_writes/{key}"


def pos_status(org_id: str) -> str:
    return f"{tenant(org_id)}/{INTEGRATIONS}/{POS}"


def sync_run(org_id: str, run_id: str) -> str:
    return f"{tenant(org_id)}/{SYNC_RUNS}/{run_id}"


def sync_report(org_id: str, run_id: str) -> str:
    """What a dry run found."""
    return f"{tenant(org_id)}/sync_reports/{run_id}"


def quarantine(org_id: str) -> str:
    return f"{tenant(org_id)}/{QUARANTINE}"


def lease(org_id: str) -> str:
    return f"{tenant(org_id)}/sync_state/lease"


def progress(org_id: str) -> str:
    """Cursors and counters that outlive a run."""
    return f"{tenant(org_id)}/sync_state/progress"


def manual_runs(org_id: str) -> str:
    """The runs that people asked for last."""
    return f"{tenant(org_id)}/sync_state/manual"


def webhook_events(org_id: str) -> str:
    """What the POS told of, one document per webhook."""
    return f"{tenant(org_id)}/webhook_events"


def rfm_scale(org_id: str) -> str:
    """The quantiles by which an org's customers are scored."""
    return f"{tenant(org_id)}/sync_state/rfm"


def manifests(org_id: str) -> str:
    return f"{tenant(org_id)}/sync_manifests"


def incident(org_id: str | None, key: str) -> str:
    """What people are told of; without an org those of Sync Sam itself."""
    return f"{INCIDENTS}/{key}" if org_id is None else f"{tenant(org_id)}/{INCIDENTS}/{key}"


def points_ledger(org_id: str, customer_id: str) -> str:
    """What each order gave or took."""
    return f"{customers(org_id)}/{customer_id}/points_ledger"


def loyalty_run(org_id: str, run_id: str) -> str:
    return f"{tenant(org_id)}/loyalty_runs/{run_id}"


def loyalty_lease(org_id: str) -> str:
    """Of its own: a loyalty run keeps no sync waiting."""
    return f"{tenant(org_id)}/loyalty_state/lease"


def loyalty_progress(org_id: str) -> str:
    return f"{tenant(org_id)}/loyalty_state/progress"


def rate_limit(account: str) -> str:
    """The calls that an outside account has been given moments for; orgs may share one."""
    return f"{RATE_LIMITS}/{account}"
