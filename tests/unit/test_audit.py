"""Whatever a person can change is in the audit log under a known name, or it is said why not; and
its entries are only ever added, kept for a year at the least, and read by roles for every org."""

import ast
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import get_args

from deploy.sam.app import COMMANDS
from shared.store import audit, paths
from shared.store.audit import Action, AuditEntry
from shared.store.database import Create
from tests import audited
from tests.unit.web.test_every_route import EVERY_ORG, RULES

ROOT = Path(__file__).parents[2]
A_YEAR = timedelta(days=365)
ENTRY = AuditEntry(at=datetime(2026, 3, 18, tzinfo=UTC), by="u1", action="org_erased")


def test_every_route_that_changes_something_says_as_what_it_is_audited() -> None:
    changing = {
        (function, route)
        for function, rules in RULES.items()
        for route in rules
        if not route.startswith("GET ")
    }
    assert audited.ROUTES.keys() | audited.NO_ACTION.keys() == changing
    assert not audited.ROUTES.keys() & audited.NO_ACTION.keys()


def test_every_command_says_as_what_it_is_audited() -> None:
    assert audited.COMMANDS.keys() | audited.READING == set(COMMANDS)
    assert not audited.COMMANDS.keys() & audited.READING


def test_every_action_is_somebodys_and_is_recorded_somewhere() -> None:
    known = set(get_args(Action))
    told = chain(*audited.ROUTES.values(), *audited.COMMANDS.values(), audited.OTHER_PROGRAMS)
    assert set(told) == known
    assert known <= set(literals())


def literals() -> Iterator[str]:
    """Texts that stand in the sources, but where actions are listed."""
    for folder in ("shared", "deploy"):
        for file in (ROOT / folder).rglob("*.py"):
            if file != ROOT / "shared/store/audit.py":
                for node in ast.walk(ast.parse(file.read_text())):
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        yield node.value


def test_entries_are_only_added() -> None:
    assert isinstance(audit.add(ENTRY), Create)
    assert audit.add(ENTRY).path != audit.add(ENTRY).path
    rules = (ROOT / "deploy/firestore.rules").read_text()
    allowed = [line.strip() for line in rules.splitlines() if line.strip().startswith("allow ")]
    assert allowed == ["allow read;", "allow read, write: if false;"]
    # Only the erasure of a customer changes one: it finds the collection by collections.py.
    users = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "shared").rglob("*.py")
        if "paths.audit(" in file.read_text()
    }
    assert users == {"shared/store/audit.py"}


def test_entries_are_kept_for_a_year_at_the_least_and_then_expire() -> None:
    fields = audit.add(ENTRY).fields
    assert fields["expireAt"] - ENTRY.at >= A_YEAR
    overrides = json.loads((ROOT / "firestore.indexes.json").read_text())["fieldOverrides"]
    assert ("audit", "expireAt", True) in {
        (each["collectionGroup"], each["fieldPath"], each.get("ttl")) for each in overrides
    }
    assert {paths.audit("org_a").split("/")[-1], paths.audit(None)} == {"audit"}


def test_the_log_is_read_by_roles_for_every_org_only() -> None:
    readers = {
        rules[route] for rules in RULES.values() for route in rules if route.endswith("audit")
    }
    assert readers == {EVERY_ORG}
