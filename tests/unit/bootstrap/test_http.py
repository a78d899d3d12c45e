"""The start of an HTTP function."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.bootstrap.http import HttpFunction, HttpFunctionSettings
from shared.bootstrap.settings import SettingsInvalid
from shared.web.routing import Route


def test_a_function_without_its_settings_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)

    with pytest.raises(SettingsInvalid, match="GOOGLE_CLOUD_PROJECT: Field required"):
        HttpFunction("tests", HttpFunctionSettings, lambda _: ()).start()


def test_routes_are_made_once_however_many_requests_come_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "demo-http")
    monkeypatch.setenv("FIRESTORE_DATABASE", "(default)")
    made = []

    def routes(settings: HttpFunctionSettings) -> tuple[Route[Any, Any], ...]:
        made.append(settings.google_cloud_project)
        time.sleep(0.05)
        return ()

    function = HttpFunction("tests", HttpFunctionSettings, routes)
    function.start()
    with ThreadPoolExecutor(4) as pool:
        apps = list(pool.map(lambda _: function.app(), range(4)))

    assert made == ["demo-http"]
    assert len(set(map(id, apps))) == 1
