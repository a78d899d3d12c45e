"""What functions that call others for an org may do, and where they may call."""

from functools import cached_property
from typing import Literal

from pydantic import Field, field_validator

from shared.bootstrap.settings import FunctionSettings
from shared.outbound.destinations import Destinations


class OutboundSettings(FunctionSettings):
    """Where calls to the outside may go."""

    provider_hosts: str = Field(
        default="",
        description="Hosts that orgs' settings may name beside the providers' own: "
        "`alleaves=pos.example.com`, with commas between.",
    )
    loopback: Literal["refused", "allowed"] = Field(
        default="refused",
        description="Whether services of this machine may be called: in the local cloud only.",
    )

    @field_validator("provider_hosts")
    @classmethod
    def _readable(cls, given: str) -> str:
        Destinations.read(given)
        return given

    @cached_property
    def destinations(self) -> Destinations:
        """Where orgs' settings may lead."""
        return Destinations.read(self.provider_hosts, loopback=self.loopback == "allowed")
