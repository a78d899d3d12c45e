"""Gives Firestore the orgs whose POS is simulated."""

from collections.abc import Iterator, Mapping
from typing import Any

import requests
from google.cloud import firestore

TIMEOUT_SECONDS = 30.0
CHUNK = 400


def seed(client: firestore.Client, *simulators: str) -> list[str]:
    """Write the ``locations/{id}`` that the simulators at these URLs name and a ``tenants/{orgId}``
    for each org; returns the org ids. Other fields on those documents stay."""
    documents = [each for simulator in simulators for each in _documents(simulator)]
    for start in range(0, len(documents), CHUNK):
        batch = client.batch()
        for path, fields in documents[start : start + CHUNK]:
            batch.set(client.document(path), dict(fields), merge=True)
        batch.commit(timeout=TIMEOUT_SECONDS)
    tenants = (path for path, _ in documents if path.startswith("tenants/"))
    return [path.partition("/")[2] for path in tenants]


def _documents(simulator: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for tenant in _get(f"{simulator}/control/tenants"):
        yield f"tenants/{tenant['id']}", tenant["document"]
    for location in _get(f"{simulator}/control/locations"):
        yield f"locations/{location['id']}", location["document"]


def _get(url: str) -> list[Mapping[str, Any]]:
    reply = requests.get(url, timeout=TIMEOUT_SECONDS)
    reply.raise_for_status()
    documents: list[Mapping[str, Any]] = reply.json()
    return documents
