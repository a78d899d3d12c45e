"""What an org may have notified, and whom it cannot reach by it."""

from collections.abc import Mapping
from typing import Any

import pytest
import requests
from pydantic import SecretStr
from structlog.testing import capture_logs

from shared.bus import notification_urls
from shared.bus.notification_urls import fault
from shared.bus.notifier import Notifier

TEXT = ("A removal waits", "120 of 374 are missing.")


@pytest.mark.parametrize(
    "url",
    [
        *("json://example.com/hook", "jsons://example.com/?+X-Token=abc&:kind=alert"),
        "mailtos://me:word@example.com?to=you@example.com&smtp=mail.example.com&from=Shop",
        "slack://TokenA/TokenB/TokenC/#orders?footer=no",
        "https://hooks.slack.com/services/T1/B2/C3",
    ],
)
def test_a_service_that_sends_a_message_is_taken(url: str) -> None:
    assert fault(url) is None


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "syslog://", "dbus://", "exec:///bin/sh", "http://example.com"),
        *("", "nonsense", "//example.com", "json", "windows://", "mqtt://example.com", "://["),
        *("slack://A/B/C?template=/etc/passwd", "tgram://1:a/2?Template=file:///proc/self/environ"),
        *("mailto://a:b@example.com?pgp=yes&pgpprv=/workspace/key", "discord://1/a?%74emplate=/x"),
        *("ntfys://topic?attach=http://169.254.169.254/", "json://example.com?redirect=yes"),
    ],
)
def test_what_reads_or_writes_anything_else_is_not(url: str) -> None:
    assert fault(url)


def test_a_fault_does_not_show_the_address() -> None:
    assert "s3cret" not in (fault("exec://s3cret?template=s3cret") or "")
    assert "s3cret" not in (fault("json://s3cret?template=s3cret") or "")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of the requests that are made."""
    made: list[str] = []

    def request(method: str, url: str, **_: Any) -> requests.Response:
        made.append(url)
        answer = requests.Response()
        answer.status_code = 200
        return answer

    monkeypatch.setattr(requests, "post", lambda url, **rest: request("POST", url, **rest))
    monkeypatch.setattr(requests, "request", request)
    return made


def test_an_orgs_address_is_looked_at_and_an_operators_is_not(sent: list[str]) -> None:
    # Given the same kind of address of an org's and of the operators'
    operators = SecretStr("json://intranet.example.com/?redirect=no")
    of_org = SecretStr("json://shop.example.com/?redirect=no")
    good = SecretStr("json://shop.example.com/")

    # When
    with capture_logs() as logs:
        accepted = Notifier([operators]).send([of_org, operators, good], *TEXT)

    # Then
    assert accepted == [False, True, True]
    assert sorted(url.split("/")[2] for url in sent) == ["intranet.example.com", "shop.example.com"]
    (line,) = (each for each in logs if each["event"] == "notification_url_refused")
    assert line["place"] == 0
    assert "shop.example.com" not in str(line)


def test_all_that_may_be_named_are_services_and_parameters_that_apprise_has() -> None:
    import apprise

    details: Mapping[str, Any] = apprise.Apprise().details()
    services = [
        (
            set(each["protocols"] or ()) | set(each["secure_protocols"] or ()),
            each["details"]["args"],
        )
        for each in details["schemas"]
    ]
    named = [args for schemas, args in services if schemas & notification_urls.SCHEMAS]
    known = set().union(*(schemas for schemas, _ in services))

    assert notification_urls.SCHEMAS - {"https"} <= known
    assert not {"template", "pgpprv", "pgppub", "attach", "path"} & notification_urls.PARAMETERS
    assert notification_urls.PARAMETERS - {"ver", "api-version", "tags"} <= set().union(*named)
