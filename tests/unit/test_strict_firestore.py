"""What the strict Firestore measures, against the examples of Firestore's documentation."""

from typing import Any

import pytest
from google.cloud.firestore_v1 import types

from shared.store.writes import Fields, Put, Update, Write, encoded
from tests.strict_firestore.limits import Limits, Refused, check_name, field_path
from tests.strict_firestore.measure import DOCUMENT_OVERHEAD, Measure, Size, name_size
from tests.strict_firestore.weather import Contention, Fault, Weather, Weathers
from tests.strict_firestore.writes import WriteCheck

DOCUMENTS = "projects/demo/databases/(default)/documents"
NOTHING_DECLARED: dict[str, Any] = {"indexes": [], "fieldOverrides": []}
SAN_FRANCISCO: Fields = {
    "city_name": "San Francisco",
    "temperatures": {"summer": 67, "winter": 55},
    "neighborhoods": ["Mission", "Downtown", "Marina"],
}


def measured(path: str, fields: Fields, declared: dict[str, Any] | None = None) -> Size:
    """Of these fields on a document."""
    write = types.Write.pb(encoded(Put(path, fields), DOCUMENTS))
    return Measure(declared or NOTHING_DECLARED, Limits()).fields(
        write.update.name, write.update.fields
    )


def test_the_documented_task_is_147_bytes() -> None:
    path = "users/jeff/tasks/my_task_id"
    task = {
        "type": "Personal",
        "done": False,
        "priority": 1,
        "description": "Learn Cloud Firestore",
    }

    assert name_size(f"{DOCUMENTS}/{path}") == 44
    assert measured(path, task).stored == 71
    assert DOCUMENT_OVERHEAD + 44 + 71 == 147


def test_the_documented_city_has_19_index_entries() -> None:
    both = [
        {
            "collectionGroup": "cities",
            "queryScope": "COLLECTION",
            "fields": [
                {"fieldPath": "city_name", "order": order},
                {"fieldPath": "neighborhoods", "arrayConfig": "CONTAINS"},
            ],
        }
        for order in ("ASCENDING", "DESCENDING")
    ]

    assert measured("cities/SF", SAN_FRANCISCO).entries == 13
    assert measured("cities/SF", SAN_FRANCISCO, {**NOTHING_DECLARED, "indexes": both}).entries == 19


def test_an_exemption_holds_for_the_fields_below_and_may_leave_some_indexes() -> None:
    exempt = {
        "indexes": [],
        "fieldOverrides": [
            {"collectionGroup": "cities", "fieldPath": "temperatures", "indexes": []},
            {
                "collectionGroup": "cities",
                "fieldPath": "temperatures.winter",
                "indexes": [{"order": "ASCENDING", "queryScope": "COLLECTION"}],
            },
        ],
    }

    assert measured("cities/SF", SAN_FRANCISCO, exempt).entries == 13 - 6 + 1
    assert measured("towns/SF", SAN_FRANCISCO, exempt).entries == 13


def test_a_whole_collection_group_may_be_exempt_but_for_some_fields() -> None:
    exempt = {
        "indexes": [],
        "fieldOverrides": [
            {"collectionGroup": "cities", "fieldPath": "*", "indexes": []},
            {
                "collectionGroup": "cities",
                "fieldPath": "neighborhoods",
                "indexes": [{"arrayConfig": "CONTAINS", "queryScope": "COLLECTION"}],
            },
        ],
    }

    assert measured("cities/SF", SAN_FRANCISCO, exempt).entries == 3
    assert measured("cities/SF", {"text": "x" * 1_501}, exempt).entries == 0
    assert measured("towns/SF", SAN_FRANCISCO, exempt).entries == 13


def test_a_text_in_a_composite_index_is_indexed_though_its_field_is_exempt() -> None:
    both = [{"fieldPath": name, "order": "ASCENDING"} for name in ("text", "n")]
    exempt = {
        "indexes": [{"collectionGroup": "cities", "queryScope": "COLLECTION", "fields": both}],
        "fieldOverrides": [{"collectionGroup": "cities", "fieldPath": "*", "indexes": []}],
    }

    assert measured("cities/SF", {"text": "x" * 1_500, "n": 1}, exempt).entries == 1
    with pytest.raises(Refused, match='"text" is longer than 1500 bytes'):
        measured("cities/SF", {"text": "x" * 1_501, "n": 1}, exempt)


def test_sizes_are_counted_in_bytes_of_utf_8() -> None:
    assert measured("towns/a", {"n": "é"}).stored == len("n") + 1 + 2 + 1


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("name", ("name",)),
        ("a.b_1.c", ("a", "b_1", "c")),
        ("`main street`.x", ("main street", "x")),
        (r"`a\`b`", ("a`b",)),
    ],
)
def test_a_field_path_is_read(path: str, names: tuple[str, ...]) -> None:
    assert field_path(path, Limits()) == names


@pytest.mark.parametrize("path", ["", "a.", ".a", "a..b", "1a", "main street", "`a", "__a__", "`"])
def test_a_field_path_of_another_form_is_refused(path: str) -> None:
    with pytest.raises(Refused):
        field_path(path, Limits())


@pytest.mark.parametrize("path", ["a/..", "a/__b__", f"a/{'é' * 751}", "__a__/b", "a//b/c"])
def test_a_name_that_no_document_may_have_is_refused(path: str) -> None:
    with pytest.raises(Refused):
        check_name(f"{DOCUMENTS}/{path}", Limits())


def test_a_share_of_the_calls_is_hit_the_same_by_each_seed() -> None:
    def hits(seed: int) -> list[bool]:
        weather = Weather(seed)
        weather.add_fault(Fault("UNAVAILABLE", rpc=None, count=None, share=0.3))
        return [weather.fault("Commit") is not None for _ in range(200)]

    assert hits(1) == hits(1)
    assert hits(1) != hits(2)
    assert 30 < sum(hits(1)) < 90


class Checks:
    """Checks of commits on a database that holds nothing, and the names it was asked for."""

    def __init__(self, *, empty: bool) -> None:
        self.fetched: list[str] = []
        measure = Measure(NOTHING_DECLARED, Limits())
        self.check = WriteCheck(measure, Limits(), self._fetch, lambda database: empty)

    def commit(self, *writes: Write, answered: bool = True) -> None:
        encoded_writes = [encoded(write, DOCUMENTS) for write in writes]
        request = types.CommitRequest(database="projects/demo", writes=encoded_writes)
        checked = self.check.check(types.CommitRequest.serialize(request))
        self.check.unknown(checked)
        if answered:
            self.check.applied(checked)

    def _fetch(self, names: list[str]) -> dict[str, Any]:
        self.fetched += [name.rsplit("/", 1)[1] for name in names]
        return {}


def test_nothing_is_read_of_a_database_that_was_empty() -> None:
    checks = Checks(empty=True)
    for _ in range(2):
        checks.commit(Put("towns/a", {"n": 1}, owned=("n",)), Update("towns/b", {"n": 1}))
    assert checks.fetched == []


def test_what_may_have_been_stored_before_is_read_once() -> None:
    checks = Checks(empty=False)
    for _ in range(2):
        checks.commit(Put("towns/a", {"n": 1}, owned=("n",)), Put("towns/b", {"n": 1}))
    assert checks.fetched == ["a"]


def test_a_document_is_read_after_a_commit_that_nobody_knows_the_end_of() -> None:
    checks = Checks(empty=True)
    checks.commit(Put("towns/a", {"n": 1}, owned=("n",)), answered=False)
    checks.commit(Put("towns/a", {"n": 1}, owned=("n",)))
    assert checks.fetched == ["a"]


def is_aborted(weather: Weather, *names: str) -> bool:
    try:
        with weather.writing(names):
            return False
    except Refused as refused:
        return not refused.by_limit


def test_a_commit_that_overlaps_with_another_on_a_document_is_aborted() -> None:
    weather = Weather()
    weather.set_contention(Contention(share=1.0))

    with weather.writing(["a", "b"]):
        assert is_aborted(weather, "b", "c")
        assert not is_aborted(weather, "c")

    assert not is_aborted(weather, "b")
    assert weather.injected() == {"CONTENTION": 1}


def test_a_document_that_was_just_written_can_stay_contended_for_a_while() -> None:
    weather = Weather()
    weather.set_contention(Contention(share=1.0, lasting=600.0))

    assert [is_aborted(weather, "a"), is_aborted(weather, "a", "b")] == [False, True]
    assert not is_aborted(weather, "b")


def test_the_weather_of_a_project_is_its_own() -> None:
    weathers = Weathers()
    weathers.to_change("rainy").add_fault(Fault("UNAVAILABLE"))
    weathers.to_change(None).add_fault(Fault("ABORTED", count=None))

    assert weathers.of("rainy").fault("Commit") == Fault("UNAVAILABLE", count=0)
    assert weathers.of("rainy").fault("Commit") is None
    assert weathers.of("any other").fault("Commit") == Fault("ABORTED", count=None)


def test_it_clears_for_one_project_or_for_all() -> None:
    weathers = Weathers()
    for project in ("one", "two"):
        weathers.to_change(project).add_fault(Fault("UNAVAILABLE", count=None))

    weathers.clear(0, "one")
    assert weathers.of("one").fault("Commit") is None
    assert weathers.of("two").fault("Commit") is not None
    weathers.clear(0, None)
    assert weathers.of("two").fault("Commit") is None
