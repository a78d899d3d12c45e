"""One local cloud and one browser for all tests of the console."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from deploy.local.identity.people import sign_in
from tests.e2e.console.browser import Watch, chromium, new_context
from tests.e2e.console.cloud import ORG, ConsoleCloud, console_cloud

SignedIn = Callable[..., Page]


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleCloud]:
    with console_cloud(tmp_path_factory.mktemp("logs")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def watch(console: ConsoleCloud) -> Iterator[Watch]:
    """Fails the test in which something goes wrong in a browser; ``watch.expected`` are parts of
    messages that the test provokes."""
    found = Watch(console.stack.console)
    yield found
    found.check()


@pytest.fixture
def signed_in(console: ConsoleCloud, browser: Browser, watch: Watch) -> Iterator[SignedIn]:
    """``signed_in(role, org_id=…, theme=…, width=…, script=…)``: a page of a new window in which
    somebody with the role is signed in; nobody where the role is None."""
    with ExitStack() as opened:

        def open_page(role: str | None, org_id: str = ORG, **look: object) -> Page:
            context = new_context(browser, console.stack.console, **look)  # type: ignore[arg-type]
            opened.callback(context.close)
            watch.on(context)
            if role is not None:
                give_session(console, context, role, org_id)
            return context.new_page()

        yield open_page


def give_session(console: ConsoleCloud, context: BrowserContext, role: str, org_id: str) -> None:
    """The cookie of a sign-in."""
    person = console.person(role, org_id)
    reply = context.request.post(
        "/api/session", data={"idToken": sign_in(console.auth, person.email, person.password)}
    )
    assert reply.status == 200, reply.text()
