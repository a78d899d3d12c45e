"""What each function is told by its environment: one validated model per function.

A function that lacks a setting, or is given one of the wrong form, stops at its cold start with
the name of the variable, before it takes any message.
"""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class FunctionSettings(BaseSettings):
    """What every function knows."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    google_cloud_project: str
    log_level: str = "INFO"


class CronFanoutSettings(FunctionSettings):
    """Settings of ``cron_fanout``. Topics are full names: ``projects/P/topics/T``."""

    pos_sync_topic: str


class OrgSyncSettings(FunctionSettings):
    """Settings of ``org_sync``. ``sync_seconds`` stays below the function's time limit."""

    spending_topic: str
    pos_sync_topic: str
    sync_seconds: float = Field(default=450, gt=0)
    lease_ttl: timedelta = timedelta(seconds=60)
    pos_concurrency: int = Field(default=8, ge=1, le=64)


class SpendingSettings(FunctionSettings):
    """Settings of ``spending``."""

    spending_topic: str


class DeadLetterSettings(FunctionSettings):
    """Settings of ``dead_letter``."""
