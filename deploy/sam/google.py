"""Google's REST interfaces, as far as ``doctor`` asks them (of the local cloud that of Pub/Sub),
and who is signed in."""

from collections.abc import Iterator, Mapping
from typing import Any

import google.auth
import requests
from google.auth.transport.requests import AuthorizedSession

CALL_SECONDS = 30
MOST_PAGES = 50
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
WHO = "https://openidconnect.googleapis.com/v1/userinfo"


class NotAnswered(Exception):
    """A service does not answer the question: ``status`` is that of HTTP, 0 for no answer."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url.partition('?')[0]} answers {status or 'nothing'}")
        self.status = status


class GoogleRest:
    """Asks with the credentials of a session."""

    def __init__(self, session: requests.Session) -> None:
        self._session = session

    def get(self, url: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A JSON object. Raises NotAnswered."""
        try:
            reply = self._session.get(url, params=params, timeout=CALL_SECONDS)
        except requests.RequestException:
            raise NotAnswered(url, 0) from None
        if not reply.ok:
            raise NotAnswered(url, reply.status_code)
        found: dict[str, Any] = reply.json()
        return found

    def every(
        self, url: str, name: str, params: Mapping[str, str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """All entries of a list, page by page. Raises NotAnswered."""
        token = ""
        for _ in range(MOST_PAGES):
            asked = {**(params or {}), **({"pageToken": token} if token else {})}
            page = self.get(url, asked)
            yield from page.get(name, ())
            token = page.get("nextPageToken", "")
            if not token:
                return


def signed_in() -> str:
    """The account that Google's libraries act as on this machine: an e-mail address. Raises
    NotAnswered where nobody says, and google.auth's errors."""
    credentials, _ = google.auth.default()
    with AuthorizedSession(credentials) as session:
        found = GoogleRest(session).get(WHO)
    email = found.get("email")
    if not email:
        raise NotAnswered(WHO, 0)
    return str(email)
