"""All customers of an org, where there are many of them."""

from shared.domain.spending import Spending
from shared.store import insights, paths
from shared.store.database import Database


def count(database: Database, org_id: str) -> int:
    """How many there are. A read for every thousand."""
    return database.totals(paths.customers(org_id)).count


def spending(database: Database, org_id: str) -> dict[str, Spending]:
    """What each has spent as far as it is kept, by id."""
    found = database.query(paths.customers(org_id), select=insights.FIGURES)
    return {document.id: insights.spending_in(document.fields) for document in found}
