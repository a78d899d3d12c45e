"""A database that has a name, as one restored from a backup has."""

from contextlib import closing

import pytest
from google.cloud.firestore import Client

from shared.store.database import Create, Database, Update

PATH = "tenants/org_restored"


def test_what_is_committed_to_a_named_database_stands_there_and_nowhere_else(
    firestore_host: str, project: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    with closing(Client(project=project, database="restored")) as client:
        restored = Database(client, name="restored")
        # When
        restored.commit([Create(PATH, {"step": 1})])
        restored.metered().commit([Update(PATH, {"step": 2})])
        restored.within(30).commit([Update(PATH, {"name": "Wren"})])
        # Then
        assert restored.get(PATH).fields == {"step": 2, "name": "Wren"}
    assert not database.get(PATH).exists
