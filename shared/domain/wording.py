"""Numbers of things in words."""


def counted(number: int, plural: str) -> str:
    """So many of something: "1 customer", "2,500 customers". ``plural`` ends with a regular
    plural."""
    return f"{number:,} {singular(plural) if number == 1 else plural}"


def singular(plural: str) -> str:
    """One of these: "customer" of "customers", "delivery" of "deliveries"."""
    if plural.endswith("ies"):
        return f"{plural.removesuffix('ies')}y"
    if plural.endswith(("ches", "shes", "xes", "sses")):
        return plural.removesuffix("es")
    return plural.removesuffix("s")
