"""The client of Firestore, one per instance and database. It finds an emulator by its own variable.
What only some functions need is built beside it, so that the others need not load it:
``publishing.py``, ``later.py``, ``alerts.py``."""

from functools import cache

from google.cloud.firestore import Client

from shared.bootstrap.settings import FunctionSettings
from shared.store.database import Database


def database(settings: FunctionSettings) -> Database:
    """The function's Firestore database."""
    return _database(settings.google_cloud_project, settings.firestore_database)


@cache
def _database(project: str, name: str) -> Database:
    return Database(Client(project=project, database=name), name=name)
