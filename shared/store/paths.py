"""Where everything stands in Firestore. No other file spells a path."""

from collections.abc import Callable

from shared.domain import providers

AUDIT = "audit"
LOCATIONS = "locations"
DEAD_LETTERS = "dead_letters"
INCIDENTS = "incidents"
INTEGRATIONS = "integrations"
NOTIFICATIONS = "notifications"
POS = "pos"
QUARANTINE = "quarantine"
SPENDING_REQUESTS = "spending_requests"
SYNC_RUNS = "sync_runs"
ROSTER = "fleet/roster"
"""Which orgs the schedule knows."""


def tenant(org_id: str) -> str:
    return f"tenants/{org_id}"


def _below_tenant(name: str) -> Callable[[str], str]:
    """The path of that name below an org's document, by org id."""
    return lambda org_id: f"tenants/{org_id}/{name}"


customers = _below_tenant("customers")
customer_spending = _below_tenant("customer_spending")
spending_requests = _below_tenant(SPENDING_REQUESTS)
orders = _below_tenant("orders")
skipped_orders = _below_tenant("skipped_orders")  # by the id that the order's document would have
products = _below_tenant("products")
menu_items = _below_tenant("publicViews/products/items")  # the public copy of the products
discounts = _below_tenant("discounts")  # those that run or are to come
metadata = _below_tenant("metadata")
incidents = _below_tenant(INCIDENTS)
quarantine = _below_tenant(QUARANTINE)
verifications = _below_tenant("verifications")
erasures = _below_tenant("erasures")  # what each has done; no personal data
sync_runs = _below_tenant(SYNC_RUNS)
webhook_events = _below_tenant("webhook_events")

pos_status = _below_tenant(f"{INTEGRATIONS}/{POS}")
lease = _below_tenant("sync_state/lease")
manual_runs = _below_tenant("sync_state/manual")  # the runs that people asked for last
rfm_scale = _below_tenant("sync_state/rfm")  # the quantiles by which customers are scored
ecom_lease = _below_tenant("sync_state/ecom")  # of imports: it keeps no sync waiting
manifests = _below_tenant("sync_manifests")

metrics = _below_tenant("sync_state/metrics")  # which report is under way, and the one before
metrics_state = _below_tenant("metrics_state")  # what the next report of metrics begins with
metrics_reports = _below_tenant("metrics_reports")

loyalty_runs = _below_tenant("loyalty_runs")
loyalty_lease = _below_tenant("loyalty_state/lease")  # its own: it keeps no sync waiting
loyalty_progress = _below_tenant("loyalty_state/progress")


def erased(org_id: str) -> str:
    """Who was erased, as salted hashes."""
    return f"{tenant(org_id)}/erased/people"


def progress(org_id: str, provider: str) -> str:
    """Cursors and counters of the org's sync with a provider, which outlive a run."""
    return f"{tenant(org_id)}/sync_state/{providers.suffixed(provider, 'progress')}"


def refresh_token(org_id: str, location_id: str) -> str:
    """What the provider has replaced the refresh token of a location by."""
    return f"{tenant(org_id)}/sync_state/refresh_token_{location_id}"


def sync_run(org_id: str, run_id: str) -> str:
    return f"{tenant(org_id)}/{SYNC_RUNS}/{run_id}"


def sync_report(org_id: str, run_id: str) -> str:
    """What a dry run found."""
    return f"{tenant(org_id)}/sync_reports/{run_id}"


def loyalty_run(org_id: str, run_id: str) -> str:
    return f"{loyalty_runs(org_id)}/{run_id}"


def metrics_csv(org_id: str, date: str) -> str:
    """The parts of the file of a report of metrics."""
    return f"{metrics_reports(org_id)}/{date}/csv_parts"


def price_history(org_id: str, product_id: str) -> str:
    return f"{products(org_id)}/{product_id}/price_history"


def points_ledger(org_id: str, customer_id: str) -> str:
    """What each order gave or took."""
    return f"{customers(org_id)}/{customer_id}/points_ledger"


def pos_write(org_id: str, key: str) -> str:
    """What the POS was asked to make under an idempotency key, and what came of it."""
    return f"{tenant(org_id)}/pos_writes/{key}"


def incident(org_id: str | None, key: str) -> str:
    """What people are alerted to; without an org: incidents of Sync Sam itself."""
    return f"{INCIDENTS}/{key}" if org_id is None else f"{tenant(org_id)}/{INCIDENTS}/{key}"


def audit(org_id: str | None) -> str:
    """Who decided or changed what of an org; without one: of what concerns no org."""
    return AUDIT if org_id is None else f"{tenant(org_id)}/{AUDIT}"


def notification(org_id: str, key: str) -> str:
    """What an org was told."""
    return f"{tenant(org_id)}/{NOTIFICATIONS}/{key}"


def rate_limit(account: str) -> str:
    """The calls that an outside account has been given times for; orgs may share one."""
    return f"rate_limits/{account}"


def org_of(path: str) -> str:
    """The org whose document stands at a path below ``tenants``."""
    return path.split("/")[1]


def org_of_order(path: str) -> str | None:
    """The org whose order stands at that path; None where none does."""
    match path.split("/"):
        case ["tenants", org_id, "orders", _]:
            return org_id
    return None
