"""Exchanging a part of the product, or of a library, in a worker's own process."""


def exchange(where: object, name: str, part: object) -> None:
    """Put ``part`` in the place of ``where``'s ``name``. It must have one: what is no longer there
    would else be exchanged in vain, and nobody would notice."""
    if not hasattr(where, name):
        raise LookupError(f"{where} has no {name} any more")
    setattr(where, name, part)
