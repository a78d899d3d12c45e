"""What never leaves the outside HTTP session, and what never gets into it."""

import logging
import traceback
from pathlib import Path

import pytest
import requests
from structlog.testing import capture_logs

from shared.errors import ProviderUnreachable, ReplyUnreadable
from shared.outbound.session import HttpCall, HttpSettings
from tests.unit.pos.fakes import Canned, in_turn, ok
from tests.unit.pos.outside import SECRET, URL, Outside


def test_a_reply_beyond_the_size_limit_is_not_read_on() -> None:
    outside = Outside(
        in_turn(Canned(body=b"[" + b"1," * 5_000 + b"1]")), HttpSettings(largest_reply_bytes=1_000)
    )

    with pytest.raises(ReplyUnreadable, match="is larger than 1,000 bytes"):
        outside.ask()

    assert outside.tries == 1


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
