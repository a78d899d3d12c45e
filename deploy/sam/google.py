"""Google's REST interfaces, as far as ``doctor`` and ``tail`` ask them (of the local cloud that of
Pub/Sub), and who is signed in."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import google.auth
import requests
from google.auth.transport.requests import AuthorizedSession

CALL_SECONDS = 30
MOST_PAGES = 50
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
OF_THE_MACHINE = "default"
"""The name of the account that a machine of Google's has, before it is asked for."""
WHO = "https://openidconnect.googleapis.com/v1/userinfo"


class NotAnswered(Exception):
    """A service does not answer the question: ``status`` is that of HTTP, 0 for no answer; ``why``
    is what Google says of it."""

    def __init__(self, url: str, status: int, why: str = "") -> None:
        said = f": {why}" if why else ""
        super().__init__(f"{url.partition('?')[0]} answers {status or 'nothing'}{said}")
        self.status = status
        self.why = why

    @property
    def refused(self) -> bool:
        """Whether it is that whoever asks may not."""
        return self.status in (requests.codes.unauthorized, requests.codes.forbidden)


class GoogleRest:
    """Asks with the credentials of a session. ``refusal``: the first, while nothing has been
    answered."""

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        self._answered = False
        self._refusal: NotAnswered | None = None

    @property
    def refusal(self) -> NotAnswered | None:
        """See the class."""
        return None if self._answered else self._refusal

    def get(self, url: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """A JSON object. Raises NotAnswered, and what signing in raises."""
        return self._read(url, lambda: self._session.get(url, params=params, timeout=CALL_SECONDS))

    def post(self, url: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON object that answers another. Raises as ``get``."""
        return self._read(url, lambda: self._session.post(url, json=asked, timeout=CALL_SECONDS))

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

    def _read(self, url: str, call: Callable[[], requests.Response]) -> dict[str, Any]:
        try:
            reply = call()
            found = reply.json() if reply.content else {}
        except requests.JSONDecodeError:
            found = {}
        except requests.RequestException:
            raise NotAnswered(url, 0) from None
        if reply.ok:
            self._answered = True
            return dict(found)
        error = NotAnswered(url, reply.status_code, _why(found))
        if error.refused and self._refusal is None:
            self._refusal = error
        raise error


def _why(reply: Any) -> str:
    """What an error says, as google.rpc.Status has it."""
    error = reply.get("error") if isinstance(reply, dict) else None
    return str(error.get("message", "")).rstrip(".") if isinstance(error, dict) else ""


def signed_in() -> str:
    """The account that Google's libraries act as on this machine: an e-mail address. Raises
    NotAnswered where nobody says, and google.auth's errors."""
    credentials, _ = google.auth.default(scopes=[SCOPE, EMAIL])
    account = getattr(credentials, "service_account_email", None)
    if account not in (None, OF_THE_MACHINE):
        return str(account)
    with AuthorizedSession(credentials) as session:
        found = GoogleRest(session).get(WHO)
    email = found.get("email")
    if not email:
        raise NotAnswered(WHO, 0)
    return str(email)
