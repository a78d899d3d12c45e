"""Our own encoding of writes, held against that of Google's client library."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

import pytest
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.firestore_v1.types import WriteResult
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from shared.store.writes import Create, Put, Remove, Update, Write, encoded

PATH = "tenants/org_a/orders/alleaves_1"
DOCUMENTS = "projects/demo-encoding/databases/(default)/documents"
CLIENT = firestore.Client(project="demo-encoding", credentials=AnonymousCredentials())
MOMENT = Timestamp(seconds=1_772_000_000, nanos=123_456_789)
VERSION = cast(datetime, WriteResult(update_time=MOMENT).update_time)  # as a commit gives it
FROM_TIMESTAMP: Callable[[Timestamp], datetime] = DatetimeWithNanoseconds.from_timestamp_pb

names = st.from_regex(r"[a-zA-Z][a-zA-Z0-9]{0,8}", fullmatch=True)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    text,
    st.binary(max_size=20),
    st.datetimes(timezones=st.just(UTC)),
    st.just(FROM_TIMESTAMP(MOMENT)),
)
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(text.filter(bool), inner, max_size=3)
    ),
    max_leaves=8,
)
documents = st.dictionaries(names, values, min_size=1, max_size=6)


class Colour(StrEnum):
    GREEN = "green"


def by_library(write: Callable[[firestore.WriteBatch, Any], None]) -> Any:
    """The message that the client library makes."""
    batch = CLIENT.batch()
    write(batch, CLIENT.document(PATH))
    [message] = batch._write_pbs
    return plainly(message)


def ours(write: Write) -> Any:
    return plainly(encoded(write, DOCUMENTS))


def plainly(message: Any) -> bytes:
    """Equal for equal messages; the order of a mask's names says nothing."""
    raw = type(message).pb(message)
    mask = sorted(raw.update_mask.field_paths)
    del raw.update_mask.field_paths[:]
    raw.update_mask.field_paths.extend(mask)
    serialized: bytes = raw.SerializeToString(deterministic=True)
    return serialized


@given(documents)
def test_a_whole_document_is_encoded_as_by_the_library(fields: dict[str, Any]) -> None:
    expected = by_library(lambda batch, ref: batch.set(ref, fields))
    assert ours(Put(PATH, fields)) == expected


@given(documents, st.lists(names, max_size=3))
def test_owned_fields_are_encoded_as_a_merge_that_deletes_what_is_missing(
    fields: dict[str, Any], missing: list[str]
) -> None:
    # Given a document of which other fields are somebody else's
    owned = tuple({*fields, *missing, "always"})
    whole = {name: fields.get(name, firestore.DELETE_FIELD) for name in owned}

    # When it is put, then only the owned fields are named, those without a value too
    expected = by_library(lambda batch, ref: batch.set(ref, whole, merge=list(owned)))
    assert ours(Put(PATH, fields, owned=owned)) == expected


@given(documents)
def test_a_creation_is_encoded_as_by_the_library(fields: dict[str, Any]) -> None:
    expected = by_library(lambda batch, ref: batch.create(ref, fields))
    assert ours(Create(PATH, fields)) == expected


@given(documents, st.sampled_from([None, VERSION]))
def test_an_update_is_encoded_with_its_precondition_and_without_what_is_removed(
    fields: dict[str, Any], version: datetime | None
) -> None:
    option = firestore.Client.write_option(last_update_time=version) if version else None
    given_ = {n: firestore.DELETE_FIELD if v is None else v for n, v in fields.items()}
    expected = by_library(lambda batch, ref: batch.update(ref, given_, option=option))
    assert ours(Update(PATH, fields, if_version=version)) == expected


@pytest.mark.parametrize("version", [VERSION, FROM_TIMESTAMP(MOMENT)])
def test_no_nanosecond_of_a_version_is_lost(version: datetime) -> None:
    message = encoded(Update(PATH, {"a": 1}, if_version=version), DOCUMENTS)
    assert type(message).pb(message).current_document.update_time == MOMENT


def test_a_removal_is_encoded_as_by_the_library() -> None:
    assert ours(Remove(PATH)) == by_library(lambda batch, ref: batch.delete(ref))


def test_a_name_that_is_no_identifier_is_quoted_in_the_mask() -> None:
    message = encoded(Put(PATH, {"a.b": 1}, owned=("a.b",)), DOCUMENTS)
    assert list(message.update_mask.field_paths) == ["`a.b`"]


def test_a_word_of_a_fixed_set_is_encoded_as_text() -> None:
    assert ours(Put(PATH, {"colour": Colour.GREEN})) == ours(Put(PATH, {"colour": "green"}))


def test_a_value_that_firestore_has_no_type_for_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        encoded(Put(PATH, {"strange": object()}), DOCUMENTS)


def test_an_update_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to update"):
        encoded(Update(PATH, {}), DOCUMENTS)
