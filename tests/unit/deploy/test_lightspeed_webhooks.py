"""The command for an org's webhooks at Lightspeed, as far as it needs no database."""

import pytest

from deploy.lightspeed_webhooks import is_web_address, main, without_secret
from shared.pos.lightspeed.webhooks import ADDRESS_PATH


def test_an_address_is_shown_without_its_secret() -> None:
    address = f"https://hooks.example.com{ADDRESS_PATH}/org_a"

    assert without_secret(f"{address}/{'s' * 32}") == f"{address}/…"
    assert without_secret(f"{address}/{'s' * 32}/?x=1") == f"{address}/…/?x=1"
    assert without_secret(address) == address
    assert without_secret("https://elsewhere.example.com/hook/x") == (
        "https://elsewhere.example.com/hook/x"
    )


@pytest.mark.parametrize("url", ["https://h.example.com", "https://h/x/", "http://127.0.0.1:8080"])
def test_webhooks_are_sent_over_https_or_on_this_machine(url: str) -> None:
    assert is_web_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h.example.com",
        "http://h.example.com",
        "https://u:p@h",
        "https://h?x",
        "https://[h",
        "ftp://h",
    ],
)
def test_webhooks_are_sent_nowhere_else(url: str) -> None:
    assert not is_web_address(url)


def test_without_a_project_nothing_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)

    assert main(["list", "--org", "org_a"]) == 2
    assert "GOOGLE_CLOUD_PROJECT" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["register", "rotate"])
def test_where_an_address_is_needed_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "demo")

    with pytest.raises(SystemExit):
        main([what, "--org", "org_a", "--url", "http://h.example.com"])

    assert "--url" in capsys.readouterr().err
