"""What the campaign's seeds draw."""

from dataclasses import replace

from google.api_core.exceptions import Aborted, FailedPrecondition

from shared.store.database import Conflict
from tests.campaign.firestore_weather import FAIR, NO_CONTENTION, is_to_blame
from tests.campaign.plan import draw

SEEDS = range(1, 61)


def test_firestore_is_contended_for_at_every_tick_of_every_seed() -> None:
    ticks = [tick for seed in SEEDS for tick in draw(seed).ticks]

    assert all(tick.firestore.contention.share > 0 for tick in ticks)
    statuses = {fault.status for tick in ticks for fault in tick.firestore.faults}
    assert {"ABORTED", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED"} == statuses
    assert 0 < sum(bool(tick.firestore.faults) for tick in ticks) < len(ticks)


def test_what_is_left_out_leaves_all_else_as_it_was() -> None:
    for seed in SEEDS:
        plan = draw(seed)
        fair = draw(seed, ("contention", "firestore-faults"))

        assert {tick.firestore for tick in fair.ticks} == {FAIR}
        ticks = tuple(replace(tick, firestore=FAIR) for tick in plan.ticks)
        assert replace(plan, ticks=ticks) == fair
        for without, faults in (
            (("contention",), [tick.firestore.faults for tick in plan.ticks]),
            (("firestore-faults",), [()] * len(plan.ticks)),
        ):
            left = [tick.firestore for tick in draw(seed, without).ticks]
            assert [each.faults for each in left] == faults
            assert all(
                (each.contention == NO_CONTENTION) == ("contention" in without) for each in left
            )


def test_what_contention_caused_is_told_from_what_a_precondition_did() -> None:
    def conflict(cause: Exception) -> Conflict:
        found = Conflict("of a version")
        found.__cause__ = cause
        return found

    assert is_to_blame(conflict(Aborted("contention")))  # type: ignore[no-untyped-call]
    assert not is_to_blame(conflict(FailedPrecondition("not of that version")))  # type: ignore[no-untyped-call]
    assert not is_to_blame(None)
