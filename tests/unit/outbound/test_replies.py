"""What an answer may hold, and what JSON it may be."""

import json
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.outbound.replies import DEEPEST, ReplyTooLarge, decode

MOST = 1_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_an_ordinary_answer_is_read_as_it_is(data: object) -> None:
    assert decode(json.dumps(data, ensure_ascii=False).encode(), 100_000) == data


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"0," * MOST + b"0]",
        b"[" + b"{}," * (MOST // 2) + b"{}]",
        b"[" + b"[]," * (MOST // 2) + b"[]]",
        b'{"a":[' + b'{"a":1},' * (MOST // 2) + b"0]}",
    ],
)
def test_more_values_than_the_limit_are_refused(body: bytes) -> None:
    with pytest.raises(ReplyTooLarge, match="holds more than 1,000 values"):
        decode(body, MOST)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b"[", b"")])
def test_deep_nesting_is_refused(opening: bytes, closing: bytes) -> None:
    depth = DEEPEST + 1

    with pytest.raises(ReplyTooLarge, match="is nested deeper than 50 levels"):
        decode(opening * depth + (b"1" if closing == b"}" else b"") + closing * depth, MOST)


def test_deep_nesting_does_not_hide_behind_text() -> None:
    body = b'["\\"]", ' + b"[" * 51 + b'"[[[\\\\"' + b"]" * 52

    with pytest.raises(ReplyTooLarge, match="is nested deeper"):
        decode(body, MOST)


@pytest.mark.parametrize("text", ["[" * 200, "]}" * 200, '\\"[{' * 100, "[]" * 100, ":-[ " * 90])
def test_brackets_within_text_are_no_levels(text: str) -> None:
    data = [{"name": text, "lines": [{"note": text}]}]

    assert decode(json.dumps(data).encode(), MOST) == data


def test_as_many_levels_as_the_limit_are_read() -> None:
    assert decode(b"[" * DEEPEST + b"]" * DEEPEST, MOST)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"cut": ', b"[[[1,", b"\xff\xfe", b"[" + b"7" * 100_000 + b"]"]
)
def test_what_is_no_json_is_not_read(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        decode(body, MOST)

    assert not isinstance(raised.value, ReplyTooLarge)


def test_odd_numbers_keys_and_text_are_left_to_the_records_that_hold_them() -> None:
    read = decode(b'\xef\xbb\xbf{"a": 1, "a": 1e999999, "b": NaN, "c": "\\ud800"}', MOST)

    assert isinstance(read, dict)
    assert read["a"] == float("inf")
    assert isnan(read["b"])
    assert read["c"] == "\ud800"
