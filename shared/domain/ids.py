"""How record ids are ordered, how org ids are spelled (``org_x``, ``brand_x`` and ``x``), and what
may be the id of a document."""

import re

LONGEST_NUMBER = 40
"""Digits up to which an id is taken for a number."""
LONGEST_DOCUMENT_ID = 200
"""Characters; Firestore takes 1,500 bytes."""
_PREFIXES = ("org_", "brand_")
_RESERVED = re.compile(r"\.|\.\.|__.*__", re.DOTALL)


def natural_key(record_id: str) -> tuple[int, int, str]:
    """Sort key: numeric ids first, in the order of their numbers; no two ids have the same key."""
    if record_id.isascii() and record_id.isdecimal() and len(record_id) <= LONGEST_NUMBER:
        return (0, int(record_id), record_id)
    return (1, 0, record_id)


def is_document_id(text: str) -> bool:
    """Whether Firestore takes it as a document's id: one segment of a path, valid Unicode, and not
    reserved."""
    segment = 0 < len(text) <= LONGEST_DOCUMENT_ID and "/" not in text
    if not segment or _RESERVED.fullmatch(text):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def base_org_id(org_id: str) -> str:
    """What the spellings of one org have in common."""
    for prefix in _PREFIXES:
        if org_id.startswith(prefix) and org_id != prefix:
            return org_id.removeprefix(prefix)
    return org_id


def org_id_spellings(org_id: str) -> tuple[str, ...]:
    """Every spelling of the org, the given one first."""
    name = base_org_id(org_id)
    return tuple(dict.fromkeys((org_id, *(prefix + name for prefix in _PREFIXES), name)))
