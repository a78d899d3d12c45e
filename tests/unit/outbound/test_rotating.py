"""Secrets that are replaced, as Secret Manager keeps them."""

from types import SimpleNamespace
from typing import Any

import pytest
from google.api_core import exceptions as google

from shared.errors import SecretsUnavailable
from shared.outbound import rotating
from shared.outbound.rotating import add_secret

REFUSED: type[Exception] = google.PermissionDenied
SECRET = "projects/demo/secrets/pos-harbor"


class CannedManager:
    """Numbers the versions that are added; ``error`` is what it raises."""

    def __init__(self) -> None:
        self.added: list[bytes] = []
        self.destroyed: list[str] = []
        self.error: Exception | None = None
        self.may_destroy = True

    def add_secret_version(self, request: dict[str, Any], timeout: float) -> SimpleNamespace:
        assert request["parent"] == SECRET
        assert timeout < 30
        if self.error:
            raise self.error
        self.added.append(request["payload"]["data"])
        return SimpleNamespace(name=f"projects/17/secrets/pos-harbor/versions/{len(self.added)}")

    def destroy_secret_version(self, name: str, timeout: float) -> None:
        if not self.may_destroy:
            raise REFUSED("no")
        self.destroyed.append(name)


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> CannedManager:
    canned = CannedManager()
    monkeypatch.setattr(rotating, "secret_manager", lambda: canned)
    return canned


@pytest.mark.parametrize("may_destroy", [True, False])
def test_a_new_version_is_added_and_only_the_one_before_it_is_left(
    manager: CannedManager, may_destroy: bool
) -> None:
    manager.may_destroy = may_destroy

    for number in range(4):
        add_secret(SECRET, f"refresh-{number}")

    assert manager.added == [b"refresh-0", b"refresh-1", b"refresh-2", b"refresh-3"]
    assert manager.destroyed == may_destroy * [f"{SECRET}/versions/1", f"{SECRET}/versions/2"]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (REFUSED, LookupError),
        (google.NotFound, LookupError),
        (google.ServiceUnavailable, SecretsUnavailable),
    ],
)
def test_a_version_that_cannot_be_added_is_said(
    manager: CannedManager, error: type[Exception], raised: type[Exception]
) -> None:
    manager.error = error("not now")

    with pytest.raises(raised) as told:
        add_secret(SECRET, "refresh-17")

    assert "refresh-17" not in str(told.value)
