"""One person of each role, for trying the console out: made through the same calls at the local
identity service and at Google's emulator."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import requests

from deploy.local.environment import LOCAL_KEY

TIMEOUT_SECONDS = 30.0
EVERY_ORG = ("super_user", "super_admin")
OWN_ORG = ("dispensary_admin", "brand_admin")


@dataclass(frozen=True, slots=True)
class LocalPerson:
    """How somebody signs in; ``org_id`` is None for a role for every org."""

    email: str
    password: str
    role: str
    org_id: str | None

    def described(self) -> dict[str, str]:
        """As ``.local/stack.json`` has it."""
        org = {"orgId": self.org_id} if self.org_id else {}
        return {"email": self.email, "password": self.password, "role": self.role, **org}


def of_every_org(password: str) -> list[LocalPerson]:
    """A person of each role for every org."""
    return [LocalPerson(f"{_plain(role)}@example.com", password, role, None) for role in EVERY_ORG]


def of_orgs(org_ids: Iterable[str], password: str) -> list[LocalPerson]:
    """A person of each other role at each org."""
    return [
        LocalPerson(
            f"{_plain(role)}@{_plain(org_id.removeprefix('org_'))}.example.com",
            password,
            role,
            org_id,
        )
        for org_id in org_ids
        for role in OWN_ORG
    ]


def create(host: str, project: str, people: Iterable[LocalPerson]) -> None:
    """Give them accounts at the service. Raises requests.RequestException."""
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer owner"
        for person in people:
            given = {"email": person.email, "password": person.password}
            uid = _call(session, host, project, "accounts", given)["localId"]
            org = {"orgId": person.org_id} if person.org_id else {}
            claims = json.dumps({"role": person.role, **org})
            changed = {"localId": uid, "customAttributes": claims}
            _call(session, host, project, "accounts:update", changed)


def sign_in(host: str, email: str, password: str) -> str:
    """An ID token. Raises requests.RequestException."""
    reply = requests.post(
        f"http://{host}/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword",
        params={"key": LOCAL_KEY},
        json={"email": email, "password": password, "returnSecureToken": True},
        timeout=TIMEOUT_SECONDS,
    )
    reply.raise_for_status()
    return str(reply.json()["idToken"])


def _call(
    session: requests.Session, host: str, project: str, call: str, body: dict[str, Any]
) -> dict[str, Any]:
    url = f"http://{host}/identitytoolkit.googleapis.com/v1/projects/{project}/{call}"
    reply = session.post(url, json=body, timeout=TIMEOUT_SECONDS)
    reply.raise_for_status()
    answer: dict[str, Any] = reply.json()
    return answer


def _plain(name: str) -> str:
    return name.replace("_", ".")
