"""What functions that call others for an org may do, and where they may call."""

from functools import cached_property
from typing import Literal

from pydantic import field_validator

from shared.bootstrap.settings import FunctionSettings
from shared.outbound.destinations import Destinations


class OutboundSettings(FunctionSettings):
    """``provider_hosts``: hosts beside the providers' own, as ``alleaves=pos.example.com``, with
    commas between. ``loopback``: whether services of this machine may be called."""

    provider_hosts: str = ""
    loopback: Literal["refused", "allowed"] = "refused"

    @field_validator("provider_hosts")
    @classmethod
    def _readable(cls, given: str) -> str:
        Destinations.read(given)
        return given

    @cached_property
    def destinations(self) -> Destinations:
        """Where orgs' settings may lead."""
        return Destinations.read(self.provider_hosts, loopback=self.loopback == "allowed")
