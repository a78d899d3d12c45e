"""How answers are kept, and what an instance says of it."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.services.reads.response_cache import ResponseCache
from shared.store.database import Document, Filter
from shared.web.auth import EveryOrg, Staff
from shared.web.routes import cache
from tests.fakes import SteppingClock
from tests.unit.services.sync_in_memory import EmptyDatabase
from tests.unit.web.calling import client_of


class UnchangedDatabase(EmptyDatabase):
    """A Firestore whose data have always the same version."""

    def query(self, collection: str, *filters: Filter, **_: Any) -> Iterator[Document]:
        return iter(())


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def answers(clock: SteppingClock) -> ResponseCache:
    return ResponseCache(UnchangedDatabase(), clock.monotonic)


def asked(answers: ResponseCache, questions: Iterable[str]) -> None:
    for question in questions:
        answers.of("org_a", question, 60, lambda: "answer")


def test_an_answer_that_is_not_to_be_kept_is_made_again(answers: ResponseCache) -> None:
    made: list[str] = []

    def make() -> str:
        made.append("unknown" if len(made) < 2 else "known")
        return made[-1]

    found = [
        answers.of("org_a", "q", 60, make, keeps=lambda answer: answer == "known") for _ in range(5)
    ]

    assert found == ["unknown", "unknown", "known", "known", "known"]


def test_the_hit_rate_is_logged_once_a_minute(answers: ResponseCache, clock: SteppingClock) -> None:
    with capture_logs() as lines:
        asked(answers, "aab")
        assert lines == []
        clock.advance(61)
        asked(answers, "bb")

    [line] = lines
    assert line["event"] == "response_cache_used"
    assert (line["hits"], line["misses"], line["hit_rate"]) == (1, 3, 0.25)


class People:
    """Tokens that are roles."""

    def of_cookie(self, cookie: str) -> dict[str, Any]:
        return self.of_token(cookie)

    def of_token(self, token: str) -> dict[str, Any]:
        return {"uid": "u1", "role": token, "orgId": "org_a"}


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("super_user", 200),
        ("super_admin", 200),
        ("dispensary_admin", 403),
        ("brand_admin", 403),
        ("customer", 403),
        (None, 401),
    ],
)
def test_who_may_see_every_org_is_told_of_the_instance_that_answers(
    answers: ResponseCache, clock: SteppingClock, role: str | None, status: int
) -> None:
    # Given an instance with two answers, one of them from 30 seconds ago
    client = client_of(*cache.routes(answers.statistics, EveryOrg(Staff(People(), lambda o: o))))
    asked(answers, "aaa")
    clock.advance(30)
    asked(answers, "b")

    # When
    reply = client.get("/api/cache", headers={"Authorization": f"Bearer {role}"} if role else {})

    # Then
    assert reply.status_code == status
    if status == 200:
        assert reply.json == {
            "scope": "instance",
            "size": 2,
            "valid": 2,
            "expired": 0,
            "averageAgeSeconds": 15.0,
            "hits": 2,
            "misses": 2,
            "hitRate": 0.5,
        }
