"""In which order a checkpoint that fits no single commit is committed."""

from collections.abc import Sequence

import pytest

from shared.services.sync.session import Session
from shared.store import database, packed_map, paths
from shared.store.database import Put, Write, weight
from shared.store.inventory import PriceList
from tests.unit.services.sync_in_memory import ORG, MemoryRun, session_in

MANIFESTS = paths.manifests(ORG)


class CommitsApart(MemoryRun):
    """A run that keeps each commit by itself, and which of them ended it."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[list[str]] = []
        self.weights: list[int] = []
        self.last: list[int] = []

    def commit(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        super().commit(writes, unsettled)
        self.commits.append([write.path for write in writes])
        self.weights.append(weight(writes))

    def checkpoint(self, writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        self.last.append(len(self.commits))
        self.commit(writes)

    hand_over = end = checkpoint


def fill(session: Session) -> None:
    prices = PriceList(ORG, "prices", {}, 1)
    session.keep(prices)
    for number in range(40_000):
        session.manifests["products"].put(f"{number}", b"12345678")
    prices.drop_entry("1")


def test_cursors_are_committed_last_and_alone_complete_the_checkpoint() -> None:
    memory = CommitsApart()
    with session_in(memory) as session:
        fill(session)
        session.store([Put(f"tenants/{ORG}/products/1", {"name": "x"})])

        session.checkpoint()

    # Then the records come first, the manifest's documents in parts, the cursors in the last
    assert memory.commits[0] == [f"tenants/{ORG}/products/1"]
    assert memory.last == [len(memory.commits) - 1]
    assert memory.commits[-1][-1] == paths.progress(ORG, "alleaves")
    assert sum(paths.progress(ORG, "alleaves") in commit for commit in memory.commits) == 1
    assert max(memory.weights) <= database.WRITES_PER_COMMIT
    # and the head of the manifest's new documents after all of these
    written = [path for commit in memory.commits for path in commit if path.startswith(MANIFESTS)]
    assert written[-1] == packed_map.shard_path(ORG, "products", 0)


def test_a_small_checkpoint_is_one_commit() -> None:
    memory = CommitsApart()
    with session_in(memory) as session:
        session.manifests["orders"].put("1", b"12345678")
        session.end(lambda: [Put("tenants/a/integrations/pos", {})])
    assert memory.commits == [
        [
            packed_map.shard_path(ORG, "orders", 0),
            "tenants/a/integrations/pos",
            paths.progress(ORG, "alleaves"),
        ]
    ]


def test_what_a_run_says_at_its_end_waits_for_what_was_refused_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given commits so small that the last one has one document more than the closing ones
    monkeypatch.setattr(database, "WRITES_PER_COMMIT", 3)
    memory = CommitsApart()
    said: list[int] = []

    def last() -> list[Write]:
        said.append(len(memory.run.errors))
        return [Put("tenants/a/integrations/pos", {})]

    refused = packed_map.shard_path(ORG, "customers", 0)
    others = [packed_map.shard_path(ORG, stream, 0) for stream in ("orders", "products")]
    accept = memory.commit

    def commit(writes: Sequence[Write], unsettled: bytes | None = None) -> None:
        if any(write.path == refused for write in writes):
            raise database.WriteRefused
        accept(writes)

    monkeypatch.setattr(memory, "commit", commit)
    # When a part before it is refused
    with session_in(memory) as session:
        for stream in ("customers", "orders", "products", "metadata"):
            session.manifests[stream].put("1", b"12345678")
        session.end(last)
    # Then they know, and all other parts are stored
    assert said == [0, 1]
    final = memory.commits[-1]
    assert final[-2:] == ["tenants/a/integrations/pos", paths.progress(ORG, "alleaves")]
    assert len(final) == 3
    written = [path for commit in memory.commits for path in commit]
    assert {*others, final[0]} <= {*written}
    assert refused not in written
