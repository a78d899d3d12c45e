"""Which ids can be stored, how they are ordered, and how org ids are spelled: ``org_x``,
``brand_x`` and ``x``."""

LONGEST_ID = 200
"""Characters of an id that becomes part of a document's path."""
LONGEST_NUMBER = 40
"""Digits up to which an id is taken for a number."""
_PREFIXES = ("org_", "brand_")


def is_document_id(text: str) -> bool:
    """Whether Firestore takes the text for a document's id: 1 to LONGEST_ID characters of valid
    Unicode, without "/", not "." or "..", and not reserved (``__.*__``)."""
    if not 0 < len(text) <= LONGEST_ID or "/" in text or text in {".", ".."}:
        return False
    if len(text) >= 4 and text.startswith("__") and text.endswith("__"):
        return False
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


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
    """Every spelling of the org, the given one first."""
    name = base_org_id(org_id)
    return tuple(dict.fromkeys((org_id, *(prefix + name for prefix in _PREFIXES), name)))
