"""The spellings of an org's id that the product has used: ``org_x``, ``brand_x`` and ``x``."""

_PREFIXES = ("org_", "brand_")


def base(org_id: str) -> str:
    """What the spellings of one org have in common."""
    for prefix in _PREFIXES:
        if org_id.startswith(prefix) and org_id != prefix:
            return org_id.removeprefix(prefix)
    return org_id


def spellings(org_id: str) -> tuple[str, ...]:
    """Every spelling of the org, the given one first."""
    name = base(org_id)
    return tuple(dict.fromkeys((org_id, *(prefix + name for prefix in _PREFIXES), name)))
