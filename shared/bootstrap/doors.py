"""The rules that the routes of several functions share (web/auth.py)."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

import firebase_admin
import google.auth
from google.auth.transport import Request
from google.oauth2.credentials import Credentials

from shared.store.database import Database
from shared.store.locations import OrgDirectory
from shared.web.auth import Staff
from shared.web.sessions import FirebaseSessions

FIREBASE_SECONDS = 10
SCOPES = ("https://www.googleapis.com/auth/identitytoolkit",)


@cache
def staff(project: str, store: Database) -> Staff:
    """The rule for people who work for an org."""
    app = firebase_admin.initialize_app(
        Credentials(None, scopes=SCOPES, refresh_handler=_find_credentials),
        {"projectId": project, "httpTimeout": FIREBASE_SECONDS},
        name=f"doors-{project}",
    )
    return Staff(FirebaseSessions(app), OrgDirectory(store))


def _find_credentials(
    request: Request, scopes: Sequence[str]
) -> tuple[str | None, datetime | None]:
    """The environment's own credentials, looked for when they are first needed: machines are
    served and forged tokens refused where there are none."""
    found, _ = google.auth.default(scopes=scopes)
    found.refresh(request)
    return found.token, found.expiry
