"""Every page of the console, in the states that are worth a look: for axe and for screenshots."""

from typing import NamedTuple

from tests.e2e.console.cloud import ORG

WIDTHS = (360, 1440)
THEMES = ("light", "dark")


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
    Listed("customers", f"/orgs/{ORG}/customers"),
    Listed("customers-none", f"/orgs/{ORG}/customers?q=nobody"),
)
