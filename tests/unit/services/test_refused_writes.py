"""What a session does with writes that Firestore refuses."""

from collections.abc import Sequence
from functools import partial

from shared.services.sync.session import WriteGroup
from shared.store.database import Put, Write, WriteRefused
from tests.unit.services.sync_in_memory import MemoryRun, session_in


class RefusingRun(MemoryRun):
    """Firestore refuses every commit that has one of the writes at ``refused`` paths."""

    def __init__(self, *refused: str) -> None:
        super().__init__()
        self._refused = refused
        self.commits = 0

    def commit(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        self.commits += 1
        if any(write.path in self._refused for write in writes):
            raise WriteRefused
        super().commit(writes, unsettled)

    checkpoint = hand_over = end = commit


def paths(writes: Sequence[Write]) -> list[str]:
    return [write.path for write in writes if "/items/" in write.path]


def items(count: int) -> list[Put]:
    return [Put(f"tenants/a/items/{number}", {}) for number in range(count)]


def test_a_refused_commit_is_halved_until_the_refused_writes_are_alone() -> None:
    # Given 400 records of which two are refused
    memory = RefusingRun("tenants/a/items/3", "tenants/a/items/250")
    refused: list[str] = []
    groups = [WriteGroup((write,), partial(refused.append, write.path)) for write in items(400)]

    # When
    with session_in(memory) as session:
        session.store_groups(groups)
        session.flush()

    # Then all others are stored, in their order, in few commits
    assert refused == ["tenants/a/items/3", "tenants/a/items/250"]
    assert paths(memory.writes) == [w.path for w in items(400) if w.path not in refused]
    assert memory.commits < 40


def test_writes_that_belong_together_are_refused_together() -> None:
    first, second, third, fourth = items(4)
    memory = RefusingRun(second.path)
    refused: list[str] = []

    with session_in(memory) as session:
        session.store_groups(
            [
                WriteGroup((first, second), lambda: refused.append("one")),
                WriteGroup((third, fourth), lambda: refused.append("two")),
            ]
        )
        session.flush()

    assert refused == ["one"]
    assert paths(memory.writes) == [third.path, fourth.path]


def test_a_refused_write_of_no_record_is_an_error_of_the_run() -> None:
    first, second = items(2)
    memory = RefusingRun(second.path)

    with session_in(memory) as session:
        session.store([first, second])
        session.checkpoint()

    (error,) = memory.run.errors
    assert (error.code, error.owner) == ("document_refused", "us")
    assert paths(memory.writes) == [first.path]


def test_a_run_ends_even_where_what_it_knows_is_refused() -> None:
    # Given a manifest that Firestore refuses
    memory = RefusingRun("tenants/org_fuzz/sync_manifests/orders-0", "tenants/a/items/1")
    closing: list[int] = []

    def last() -> list[Write]:
        closing.append(len(memory.run.errors))
        return list(items(1))

    # When
    with session_in(memory) as session:
        session.manifests["orders"].put("1", b"12345678")
        session.end(last)

    # Then its last documents are written all the same, and know of it
    assert closing == [0, 1]
    assert items(1)[0].path in paths(memory.writes)
