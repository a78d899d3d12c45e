"""What every function reads from its environment, checked at its cold start.

A function that lacks a setting, or is given one of the wrong form, stops with the name of the
variable before it takes any message.
"""

import os
from collections.abc import Mapping
from typing import TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared import log
from shared.bootstrap.tracing import export_spans
from shared.errors import SyncSamError


class FunctionSettings(BaseSettings):
    """Base of each function's settings."""

    # A setting may be a secret: errors do not show it.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    google_cloud_project: str = Field(description="The project.")
    firestore_database: str = Field(
        description="The database; a restore from a backup makes one of another name."
    )
    log_level: str = Field(default="INFO", description="Least severity of logged events.")
    memory_mb: int | None = Field(
        default=None,
        ge=128,
        description="Memory of an instance in MiB. A message that finds others at work and less "
        "free than it may need is answered 429; without the setting none is.",
    )
    otel_exporter_otlp_endpoint: str = Field(
        default="",
        description="Where spans are exported to, with OpenTelemetry's other variables. Empty: "
        "none are recorded.",
    )


S = TypeVar("S", bound=FunctionSettings)


class EmulatorInProduction(SyncSamError):
    """A deployed function is set to use an emulator: it would trust forged sessions, or keep
    its data nowhere."""

    code = "emulator_in_production"


class SettingsInvalid(SyncSamError):
    """A function lacks a setting, or is given one of the wrong form."""

    code = "settings_invalid"


def start(model: type[S]) -> S:
    """The function's settings; sets its logs and traces up with them. Raises SettingsInvalid."""
    try:
        settings = model()
    except ValidationError as error:
        faults = (f"{_variable(each['loc'])}: {each['msg']}" for each in error.errors())
        raise SettingsInvalid("; ".join(faults)) from None
    log.configure(settings.log_level, settings.google_cloud_project)
    if settings.otel_exporter_otlp_endpoint:
        export_spans(settings.otel_exporter_otlp_endpoint, settings.google_cloud_project)
    return settings


def _variable(loc: tuple[int | str, ...]) -> str:
    return str(loc[0]).upper() if loc else "settings"


def refuse_emulators(environment: Mapping[str, str]) -> None:
    """Raises EmulatorInProduction where a deployed function would use an emulator."""
    emulators = sorted(n for n, v in environment.items() if n.endswith("_EMULATOR_HOST") and v)
    if environment.get("K_SERVICE") and emulators:
        raise EmulatorInProduction(f"a deployed function must not have {', '.join(emulators)} set")


refuse_emulators(os.environ)  # when a function's module is loaded: such a function never starts
