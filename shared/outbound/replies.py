"""How much an answer may hold, checked before anything of it is built.

Decoded, a few bytes of JSON may take a hundred bytes of memory: a list of empty objects does.
"""

import json
import re
from dataclasses import dataclass

DEEPEST = 50
_BRACKETS = b"[]{}"
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


class ReplyTooLarge(ValueError):
    """The answer goes beyond a limit. Its text follows "an answer that"."""


@dataclass(frozen=True, slots=True)
class ReplyLimits:
    """``most_bytes`` of the body, unpacked; ``most_values`` in it, lists and objects included.
    Commas within text count as values too."""

    most_bytes: int
    most_values: int


A_RECORD = ReplyLimits(1_000_000, 50_000)
A_PAGE = ReplyLimits(3_000_000, 200_000)
A_WHOLE_LIST = ReplyLimits(24_000_000, 1_000_000)


def decode(body: bytes | bytearray, most_values: int) -> object:
    """The JSON of a body. Raises ReplyTooLarge for more values or levels than it may have,
    ValueError or RecursionError where it is no JSON."""
    if sum(map(body.count, (b",", b"[", b"{"))) > most_values:
        raise ReplyTooLarge(f"holds more than {most_values:,} values")
    # Taking out text is slow, and hardly ever needed: only brackets in it that are no pairs count.
    if not _shallow(body) and not _shallow(_TEXT.sub(b"", body)):
        raise ReplyTooLarge(f"is nested deeper than {DEEPEST} levels")
    return json.loads(body.decode("utf-8-sig", "surrogatepass"))


def _shallow(body: bytes | bytearray) -> bool:
    """Whether its brackets are nested no deeper than DEEPEST."""
    brackets = body.translate(None, _NOT_BRACKETS)
    for _ in range(DEEPEST):
        fewer = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(fewer) == len(brackets):
            return len(brackets) <= DEEPEST  # no pair is left
        brackets = fewer
    return not brackets
