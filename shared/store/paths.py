"""Where everything stands in Firestore (contract, section 5). No other file spells a path."""

LOCATIONS = "locations"
DEAD_LETTERS = "dead_letters"
INCIDENTS = "incidents"


def tenant(org_id: str) -> str:
    return f"tenants/{org_id}"


def customers(org_id: str) -> str:
    return f"{tenant(org_id)}/customers"


def orders(org_id: str) -> str:
    return f"{tenant(org_id)}/orders"


def customer_spending(org_id: str) -> str:
    return f"{tenant(org_id)}/customer_spending"


def products(org_id: str) -> str:
    return f"{tenant(org_id)}/products"


def menu_items(org_id: str) -> str:
    """The public copy of the products."""
    return f"{tenant(org_id)}/publicViews/products/items"


def pos_status(org_id: str) -> str:
    return f"{tenant(org_id)}/integrations/pos"


def sync_run(org_id: str, run_id: str) -> str:
    return f"{tenant(org_id)}/sync_runs/{run_id}"


def quarantine(org_id: str) -> str:
    return f"{tenant(org_id)}/quarantine"


def lease(org_id: str) -> str:
    return f"{tenant(org_id)}/sync_state/lease"


def progress(org_id: str) -> str:
    """Cursors and counters that outlive a run."""
    return f"{tenant(org_id)}/sync_state/progress"


def manifests(org_id: str) -> str:
    return f"{tenant(org_id)}/sync_manifests"


def incident(org_id: str | None, key: str) -> str:
    """What people are told of; without an org those of Sync Sam itself."""
    return f"{INCIDENTS}/{key}" if org_id is None else f"{tenant(org_id)}/{INCIDENTS}/{key}"
