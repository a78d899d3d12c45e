"""docs/privacy.md, the table of the erasure and the indexes say the same."""

from pathlib import Path

from shared.services.erasure.collections import COLLECTIONS, Collection, redacted_of_org
from tests.indexes import declared
from tests.unit.test_indexes import collections_of_the_store

PRIVACY = Path(__file__).parents[2] / "docs/privacy.md"


def row(each: Collection) -> str:
    kept = "as long as the org" if each.kept is None else f"{each.kept:,} days"
    kept = "1 day" if each.kept == 1 else kept
    return f"| `{each.path}` | {each.holds} | {each.erasing.value} | {kept} |"


def test_the_page_has_the_table_of_the_erasure() -> None:
    rows = [line for line in PRIVACY.read_text().splitlines() if line.startswith("| `")]
    assert rows == list(map(row, COLLECTIONS))


def test_what_is_said_to_expire_does() -> None:
    expiring = {o["collectionGroup"] for o in declared()["fieldOverrides"] if "ttl" in o}
    assert {each.name for each in COLLECTIONS if each.kept is not None} == expiring


def test_every_collection_of_the_store_is_in_the_table() -> None:
    known = {name for each in COLLECTIONS for name in each.path.split("/")[::2]}
    assert collections_of_the_store() <= known


def test_each_redacted_collection_is_walked_once() -> None:
    assert len(redacted_of_org()) == len(set(redacted_of_org()))
