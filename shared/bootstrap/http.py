"""What the HTTP functions share: how they start and answer, and the rule for staff."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from threading import Lock
from typing import Any, Generic, TypeVar

import firebase_admin
import functions_framework
import google.auth
from flask import Request, Response
from google.auth.transport import Request as AuthRequest
from google.oauth2.credentials import Credentials
from pydantic import Field
from werkzeug.exceptions import HTTPException

from shared.bootstrap.settings import FunctionSettings, start
from shared.store.database import Database
from shared.store.locations import OrgDirectory
from shared.web.auth import Staff
from shared.web.limits import CALLS_PER_MINUTE, CallLimits
from shared.web.openapi import with_description
from shared.web.response import ErrorPage, framework_error, no_page
from shared.web.routing import App, Route
from shared.web.sessions import FirebaseSessions

FIREBASE_SECONDS = 10
SCOPES = ("https://www.googleapis.com/auth/identitytoolkit",)


class HttpFunctionSettings(FunctionSettings):
    """How the HTTP functions are called."""

    calls_per_minute: int = Field(
        default=CALLS_PER_MINUTE,
        ge=1,
        description="Requests a minute of one caller, and five times as many of one address, at "
        "one instance of an HTTP function; more are answered 429.",
    )


H = TypeVar("H", bound=HttpFunctionSettings)


class HttpFunction(Generic[H]):
    """An HTTP function: its name, its settings, and its routes, which are made from the settings.

    ``start`` is called when the function's module is loaded. The routes are made at the first
    request, once per instance.
    """

    def __init__(
        self,
        name: str,
        model: type[H],
        routes: Callable[[H], Iterable[Route[Any, Any]]],
        error_page: ErrorPage = no_page,
    ) -> None:
        self.name = name
        self.error_page = error_page
        self.model = model
        self.routes = routes
        self._settings: H | None = None
        self._app: App | None = None
        self._making = Lock()

    def start(self) -> None:
        """Check the settings, and give the errors of functions-framework itself our error form.
        Raises SettingsInvalid: a function with invalid settings never starts."""
        self._settings = start(self.model)
        functions_framework.errorhandler(HTTPException)(framework_error)

    def __call__(self, request: Request) -> Response:
        """Answer a request."""
        return self.app()(request)

    def app(self) -> App:
        """The function's routes, with their description."""
        with self._making:
            if self._app is None:
                settings = self._settings or start(self.model)
                described = with_description(self.name, self.routes(settings))
                limits = CallLimits(settings.calls_per_minute)
                self._app = App(self.name, described, self.error_page, limits)
            return self._app


@cache
def firebase_sessions(project: str) -> FirebaseSessions:
    """The sessions of a project's people."""
    app = firebase_admin.initialize_app(
        Credentials(None, scopes=SCOPES, refresh_handler=_find_credentials),
        {"projectId": project, "httpTimeout": FIREBASE_SECONDS},
        name=f"http-{project}",
    )
    return FirebaseSessions(app)


@cache
def staff_rule(project: str, store: Database) -> Staff:
    """The rule for the staff of an org."""
    return Staff(firebase_sessions(project), OrgDirectory(store))


def _find_credentials(
    request: AuthRequest, scopes: Sequence[str]
) -> tuple[str | None, datetime | None]:
    """The default credentials of the environment. They are looked up when first needed: without
    them, machines are still served and forged tokens still refused."""
    found, _ = google.auth.default(scopes=scopes)
    found.refresh(request)
    return found.token, found.expiry
