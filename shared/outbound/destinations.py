"""The hosts that may be called for an org: those of its providers.

Whoever may write an org's settings chooses the address that its password is sent to.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, urlsplit

from shared.domain.org_secrets import SecretPlace
from shared.errors import ConfigurationInvalid
from shared.outbound.addresses import is_loopback

HOSTS: Mapping[str, tuple[str, ...]] = {
    "alleaves": ("app.alleaves.com",),
    "lightspeed": ("*.retail.lightspeed.app", "*.vendhq.com"),
    "alpineIq": ("lab.alpineiq.com",),
}
"""By provider. ``*.`` stands for one label."""
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_LAST = r"[a-z][a-z0-9-]{0,62}(?<!-)"
_HOST = re.compile(rf"({_LABEL}\.)+{_LAST}")
_PATTERN = re.compile(rf"(\*\.)?({_LABEL}\.)+{_LAST}")
"""The last label begins with a letter, so that no address in numbers is a host."""
_SEPARATORS = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class Destinations:
    """Hosts beyond HOSTS by provider; ``loopback``: whether services of this machine may be called,
    by http too."""

    added: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    loopback: bool = False

    @classmethod
    def read(cls, added: str, *, loopback: bool = False) -> Self:
        """Those of a text such as ``alleaves=pos.example.com, lightspeed=*.example.com``. Raises
        ValueError for an unknown provider, and for what is no name of a host."""
        found: dict[str, tuple[str, ...]] = {}
        for each in filter(None, _SEPARATORS.split(added)):
            provider, _, host = each.partition("=")
            if provider not in HOSTS:
                raise ValueError(f"{each} is not PROVIDER=HOST, with one of {', '.join(HOSTS)}")
            if not _PATTERN.fullmatch(host) or len(host) > 253:
                raise ValueError(f"{host} is no name of a host, in small letters, as pos.shop.com")
            found[provider] = (*found.get(provider, ()), host)
        return cls(found, loopback)

    def require(self, provider: str, url: str, place: SecretPlace) -> None:
        """Raises ConfigurationInvalid, naming the ``place`` of the address, unless that leads to a
        host of the provider by https."""
        parts = _parts(url)
        host = parts.hostname or "" if parts else ""
        if parts and self.loopback and _is_this_machine(host):
            return
        if parts is None or parts.scheme != "https" or parts.netloc.lower() not in _spelled(host):
            raise ConfigurationInvalid(
                f"the address in {place} must be https://HOST, with a path at most"
            )
        known = (*HOSTS[provider], *self.added.get(provider, ()))
        if not any(_fits(host, pattern) for pattern in known):
            raise ConfigurationInvalid(
                f"the host {host}, which {place} names, is none of those of {provider}"
                f" ({', '.join(known)}): correct it; the operators of Sync Sam can add a host to"
                " PROVIDER_HOSTS"
            )


def _spelled(host: str) -> tuple[str, ...]:
    return (host, f"{host}:443") if _HOST.fullmatch(host) else ()


def _fits(host: str, pattern: str) -> bool:
    label, _, rest = host.partition(".")
    return host == pattern or (pattern.startswith("*.") and bool(label) and rest == pattern[2:])


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost") or is_loopback(host)


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        more = parts.username or parts.password or parts.query or parts.fragment or parts.port == 0
    except ValueError:
        return None
    web = parts.scheme in ("http", "https") and parts.hostname and not more
    return parts if web and url.isascii() and url.isprintable() and "\\" not in url else None
