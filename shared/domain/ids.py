"""Which ids can be stored, how they are ordered, and how org ids are spelled: ``org_x``,
``brand_x`` and ``x``."""

import re

LONGEST_ID = 200
"""Characters of an id that becomes part of a document's path."""
LONGEST_NUMBER = 40
"""Digits up to which an id is taken for a number."""
_DOCUMENT_ID = re.compile(rf"(?!\.\.?\Z)(?!__.*__\Z)[^/\ud800-\udfff]{{1,{LONGEST_ID}}}", re.DOTALL)
_PREFIXES = ("org_", "brand_")


def is_document_id(text: str) -> bool:
    """Whether Firestore takes the text for a document's id: 1 to LONGEST_ID characters of valid
    Unicode, without "/", not "." or "..", and not reserved (``__.*__``)."""
    return _DOCUMENT_ID.fullmatch(text) is not None


def natural_key(record_id: str) -> tuple[int, int, str]:
    """Sort key: numeric ids first, in the order of their numbers; no two ids have the same key."""
    if record_id.isascii() and record_id.isdecimal() and len(record_id) <= LONGEST_NUMBER:
        return (0, int(record_id), record_id)
    return (1, 0, record_id)


def base_org_id(org_id: str) -> str:
    """What the spellings of one org have in common."""
    for prefix in _PREFIXES:
        if org_id.startswith(prefix) and org_id != prefix:
            return org_id.removeprefix(prefix)
    return org_id


def org_id_spellings(org_id: str) -> tuple[str, ...]:
    """Every spelling of the org that may be its id, the given one first. Two ids have the same
    spellings or none in common."""
    name = base_org_id(org_id)
    spellings = dict.fromkeys((org_id, *(prefix + name for prefix in _PREFIXES), name))
    # A name may itself begin with a prefix: it is then another org's id.
    return tuple(s for s in spellings if base_org_id(s) == name and is_document_id(s))
