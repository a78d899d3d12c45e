"""What every function is told by its environment, checked at its cold start.

A function that lacks a setting, or is given one of the wrong form, stops with the name of the
variable before it takes any message.
"""

from typing import TypeVar

from pydantic_settings import BaseSettings, SettingsConfigDict

from shared import log


class FunctionSettings(BaseSettings):
    """Base of each function's settings. Topics are full names: ``projects/P/topics/T``."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    google_cloud_project: str
    log_level: str = "INFO"


S = TypeVar("S", bound=FunctionSettings)


def start(model: type[S]) -> S:
    """The function's settings; sets its logs up with them."""
    settings = model()
    log.configure(settings.log_level)
    return settings
