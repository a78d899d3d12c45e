"""The loyalty providers: one entry for each."""

from collections.abc import Mapping

from shared.loyalty.alpine_iq import AlpineIqSettings

PROVIDERS: Mapping[str, type[AlpineIqSettings]] = {"alpineIq": AlpineIqSettings}
"""The settings of each provider, by their field in ``tenants/{orgId}``."""
