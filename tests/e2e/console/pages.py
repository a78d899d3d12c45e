"""Every page of the console, in the states that are worth a look: for axe and for screenshots."""

from typing import Literal, NamedTuple

from tests.e2e.console.cloud import ORG
from tests.e2e.console.troubled import REPORT, RUN, TROUBLED_ORG

WIDTHS = (360, 1440)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
OPERATOR = "super_user"


class Listed(NamedTuple):
    """A page: its name in screenshots, its address, and who looks; nobody where role is None.
    ``status`` is what is answered."""

    name: str
    path: str
    role: str | None = "dispensary_admin"
    status: int = 200


PAGES = (
    Listed("sign-in", "/sign-in", role=None),
    Listed("not-found", "/orgs/nothing/here", status=404),
    Listed("not-allowed", "/orgs/org_elm/customers", status=403),
    Listed("orgs", "/orgs", OPERATOR),
    Listed("orgs-none", "/orgs?q=nothing", OPERATOR),
    Listed("org", f"/orgs/{ORG}"),
    Listed("org-troubled", f"/orgs/{TROUBLED_ORG}", OPERATOR),
    Listed("runs", f"/orgs/{TROUBLED_ORG}/runs", OPERATOR),
    Listed("run", f"/orgs/{TROUBLED_ORG}/runs/{RUN}", OPERATOR),
    Listed("run-failed", f"/orgs/{TROUBLED_ORG}/runs/run-3", OPERATOR),
    Listed("run-unknown", f"/orgs/{ORG}/runs/nothing", status=404),
    Listed("report", f"/orgs/{TROUBLED_ORG}/reports/{REPORT}", OPERATOR),
    Listed("report-awaited", f"/orgs/{ORG}/reports/nothing"),
    Listed("quarantine", f"/orgs/{TROUBLED_ORG}/quarantine", OPERATOR),
    Listed("quarantine-none", f"/orgs/{ORG}/quarantine"),
    Listed("removals", f"/orgs/{TROUBLED_ORG}/removals", OPERATOR),
    Listed("removals-none", f"/orgs/{ORG}/removals"),
    Listed("incidents", f"/orgs/{TROUBLED_ORG}/incidents", OPERATOR),
    Listed("incidents-none", f"/orgs/{ORG}/incidents?state=open"),
    Listed("dead-letters", "/dead-letters", OPERATOR),
    Listed("dead-letters-none", "/dead-letters?orgId=org_nothing", OPERATOR),
    Listed("audit", f"/audit?orgId={TROUBLED_ORG}", OPERATOR),
    Listed("audit-none", "/audit?orgId=org_nothing", OPERATOR),
    Listed("settings", f"/orgs/{ORG}/settings"),
    Listed("settings-troubled", f"/orgs/{TROUBLED_ORG}/settings", OPERATOR),
    Listed("customers", f"/orgs/{ORG}/customers"),
    Listed("customers-none", f"/orgs/{ORG}/customers?q=nobody"),
    Listed("customer", f"/orgs/{ORG}/customers/100015"),
    Listed("customer-unknown", f"/orgs/{ORG}/customers/nobody", status=404),
    Listed("customer-why", f"/orgs/{ORG}/customers/100015/why"),
    Listed("orders", f"/orgs/{ORG}/orders"),
    Listed("orders-none", f"/orgs/{ORG}/orders?from=2020-01-01&to=2020-01-02"),
    Listed("orders-skipped", f"/orgs/{ORG}/orders/skipped"),
    Listed("order", f"/orgs/{ORG}/orders/alleaves_500001"),
    Listed("order-cancelled", f"/orgs/{ORG}/orders/alleaves_500043"),
    Listed("order-why", f"/orgs/{ORG}/orders/alleaves_500001/why"),
    Listed("order-skipped-why", f"/orgs/{ORG}/orders/alleaves_500049/why"),
    Listed("menu", f"/orgs/{ORG}/menu"),
    Listed("menu-none", f"/orgs/{ORG}/menu?q=nothing"),
    Listed("menu-expiring", f"/orgs/{ORG}/menu/expiring?days=365"),
    Listed("product", f"/orgs/{ORG}/menu/2002"),
    Listed("product-why", f"/orgs/{ORG}/menu/2002/why"),
    Listed("loyalty", f"/orgs/{ORG}/loyalty"),
    Listed("analytics", f"/orgs/{ORG}/analytics"),
    Listed("analytics-none", f"/orgs/{ORG}/analytics?from=2020-01-01&to=2020-01-05"),
)
