"""The POS providers, and how what each of them has its own of is named."""

from typing import Literal, get_args

Provider = Literal["alleaves", "lightspeed"]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)
ALLEAVES: Provider = "alleaves"
"""The first there was: its names say nothing of it."""
LIGHTSPEED: Provider = "lightspeed"
"""At whose tills the orders of its web shop become sales."""
LABELS = {"alleaves": "Alleaves", "lightspeed": "Lightspeed"}
"""As people know them."""


def scoped(provider: str, name: str) -> str:
    """The name of what each provider of an org has its own of, such as a document. ``name`` has no
    underscore, or is never read back by ``provider_of``."""
    return name if provider == ALLEAVES else f"{provider}_{name}"


def suffixed(provider: str, name: str) -> str:
    """``scoped`` with the provider's name behind, for what people look for by the plain name."""
    return name if provider == ALLEAVES else f"{name}_{provider}"


def provider_of(scoped_name: str) -> str:
    """The provider in a name that ``scoped`` has made."""
    provider, found, _ = scoped_name.partition("_")
    return provider if found else ALLEAVES


def known_provider(name: object) -> Provider:
    """The provider of that name; Alleaves where it is none's."""
    return next((provider for provider in PROVIDERS if provider == name), ALLEAVES)


def label(provider: str) -> str:
    """The provider's name in a sentence."""
    return LABELS.get(provider, provider)
