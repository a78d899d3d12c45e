"""How much an answer may hold, checked before anything of it is built.

Decoded, a few bytes of JSON may take a hundred bytes of memory: a list of empty objects does.
"""

import json
import re
from dataclasses import dataclass

DEEPEST = 50
_ALL_BUT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b",[]{}")
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


class ReplyTooLarge(ValueError):
    """The answer goes beyond a limit. Its text follows "an answer that"."""


@dataclass(frozen=True, slots=True)
class ReplyLimits:
    """``most_bytes`` of the body, unpacked; ``most_values`` in it, lists and objects included.
    Commas within text count as values too."""

    most_bytes: int
    most_values: int


USUAL = ReplyLimits(16_000_000, 700_000)
"""Room for a stock list, which comes whole, and for a page with an absurdly long order."""
LARGE = 2_000_000
"""Bytes from which on a process receives one answer at a time."""


def decode(body: bytes | bytearray, most_values: int) -> object:
    """The JSON of a body. Raises ReplyTooLarge for more values or levels than it may have,
    ValueError or RecursionError where it is no JSON."""
    structure = body.translate(None, _ALL_BUT_STRUCTURE)
    if len(structure) - structure.count(b"]") - structure.count(b"}") > most_values:
        raise ReplyTooLarge(f"holds more than {most_values:,} values")
    # Taking out text is slow, and hardly ever needed: only brackets in it that are no pairs count.
    if not _shallow(structure):
        without_text = _TEXT.sub(b"", body)
        if not _shallow(without_text.translate(None, _ALL_BUT_STRUCTURE)):
            raise ReplyTooLarge(f"is nested deeper than {DEEPEST} levels")
    return json.loads(body.decode("utf-8-sig", "surrogatepass"))


def _shallow(structure: bytes | bytearray) -> bool:
    """Whether the brackets are nested no deeper than DEEPEST."""
    brackets = structure.replace(b",", b"")
    for _ in range(DEEPEST):
        fewer = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(fewer) == len(brackets):
            return len(brackets) <= DEEPEST  # no pair is left
        brackets = fewer
    return not brackets
