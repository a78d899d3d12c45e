"""What never leaves the outside HTTP session, and what never gets into it."""

import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import pytest
import requests
from structlog.testing import capture_logs

from shared.errors import Owner, ProviderUnreachable, ReplyUnreadable
from shared.outbound.replies import ReplyLimits
from shared.outbound.session import HttpCall, HttpSettings
from tests.unit.pos.fakes import Canned, in_turn, ok
from tests.unit.pos.outside import SECRET, URL, Outside


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[" + b"1," * 5_000 + b"1]", "sent an answer that is larger than 1,000 bytes."),
        (b"[" + b"1," * 400 + b"1]", "sent an answer that holds more than 300 values."),
        (b"[" * 60 + b"]" * 60, "sent an answer that is nested deeper than 50 levels."),
    ],
)
def test_an_answer_beyond_a_limit_is_the_providers_turn_and_not_asked_for_again(
    body: bytes, words: str
) -> None:
    outside = Outside(in_turn(Canned(body=body)))

    with pytest.raises(ReplyUnreadable) as raised:
        outside.ask(limits=ReplyLimits(most_bytes=1_000, most_values=300))

    assert str(raised.value) == f"The POS at pos.example.com {words}"
    assert raised.value.owner is Owner.PROVIDER
    assert outside.tries == 1


def test_one_answer_at_a_time_is_read() -> None:
    outside = Outside(in_turn(ok([])))
    at_once = most_at_once = 0

    def read(_data: object) -> None:
        nonlocal at_once, most_at_once
        at_once += 1
        most_at_once = max(most_at_once, at_once)
        sleep(0.005)
        at_once -= 1

    call = HttpCall("GET", URL, provider="The POS", what="orders")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: outside.session.call(call, read), range(24)))

    assert most_at_once == 1


def test_no_secret_is_in_an_error_its_cause_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    leaky = requests.ConnectionError(f"GET {URL}?key={SECRET} Authorization: Bearer {SECRET}")
    outside = Outside(in_turn(leaky), HttpSettings(attempts=3))

    with (
        caplog.at_level(logging.DEBUG),
        capture_logs() as logs,
        pytest.raises(ProviderUnreachable) as raised,
    ):
        outside.ask()

    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert SECRET not in "".join(traceback.format_exception(raised.value))
    assert SECRET not in caplog.text
    assert SECRET not in str(logs)
    assert [line["event"] for line in logs] == ["outside_call_retried"] * 2


def test_a_call_shows_no_secret() -> None:
    call = HttpCall(
        "POST", URL, provider="The POS", what="x", json={"pin": SECRET}, headers={"A": SECRET}
    )

    assert SECRET not in repr(call)


def test_a_netrc_login_never_replaces_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine pos.example.com login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    outside = Outside(in_turn(ok([])))

    outside.ask()

    assert outside.transport.sent[0].headers["Authorization"] == f"Bearer {SECRET}"
