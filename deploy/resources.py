"""The parts of ``deploy/functions.yaml`` that are not functions (see deploy/manifest.py)."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

# Pub/Sub takes ids from 3 characters on.
ResourceId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{2,62}$")]
FunctionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
LOG = "log:"
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]


class Section(BaseModel):
    """Base of all parts of the manifest: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TopicTrigger(Section):
    """The function receives every message of a topic."""

    topic: ResourceId


class DocumentPattern(Section):
    """Which documents' changes; ``{name}`` in the pattern stands for one path segment."""

    document: str
    event: Literal["created", "updated", "deleted", "written"]


class FirestoreTrigger(Section):
    """The function receives every change of the documents that match."""

    firestore: DocumentPattern


class Subscription(Section):
    """Policy of a push subscription. The acknowledgement deadline is the longest a push may
    take; without a dead-letter topic a message is retried for as long as Pub/Sub keeps it, which
    is ``retention_seconds``."""

    ack_deadline_seconds: int = Field(ge=10, le=600)
    min_backoff_seconds: int = Field(ge=0, le=600)
    max_backoff_seconds: int = Field(ge=0, le=600)
    max_delivery_attempts: int | None = Field(default=None, ge=5, le=100)
    dead_letter_topic: ResourceId | None = None
    retention_seconds: int = Field(default=604_800, ge=600, le=2_678_400)

    def pause_seconds(self, failed: int) -> float:
        """How long a message waits after so many failed deliveries, one at least: twice as long
        each time."""
        return min(self.min_backoff_seconds * 2.0 ** min(failed - 1, 64), self.max_backoff_seconds)

    @property
    def delivered_for_seconds(self) -> float:
        """How long a message is delivered that fails at once each time."""
        if self.max_delivery_attempts is None:
            return self.retention_seconds
        return sum(map(self.pause_seconds, range(1, self.max_delivery_attempts)))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.max_delivery_attempts is None) != (self.dead_letter_topic is None):
            raise ValueError("max_delivery_attempts and dead_letter_topic go together")
        if self.min_backoff_seconds > self.max_backoff_seconds:
            raise ValueError("min_backoff_seconds is over max_backoff_seconds")
        if self.delivered_for_seconds > self.retention_seconds:
            raise ValueError("the message would be dropped before its last delivery")
        return self


class LocalPolicy(Section):
    """What every subscription with a dead-letter topic has in the local cloud."""

    max_delivery_attempts: int = Field(ge=5, le=100)


class TopicValue(Section):
    """A variable that names a topic."""

    topic: ResourceId


class QueueValue(Section):
    """A variable that names a queue."""

    queue: ResourceId


class TopicsValue(Section):
    """A variable that holds the topic of each function that listens to one, as a JSON object."""

    topics_of: Literal["functions"]


class KeyValue(Section):
    """A variable that holds the full name of a key in Cloud KMS."""

    key: ResourceId


class OwnValue(Section):
    """A variable that holds a figure of the function that it is given to."""

    own: Literal["memory_mb", "concurrency"]


class DeploymentValue(Section):
    """A variable that holds the project's id, the name of the Firestore database, the hosts that
    are added to those of the providers, or the web API key of Firebase."""

    deployment: Literal["project", "database", "provider_hosts", "firebase_api_key"]


class AccountValue(Section):
    """A variable that holds the address of a service account."""

    account: ResourceId


class PlainValue(Section):
    """A variable with a value of its own; the local cloud gives ``local`` where there is one."""

    value: str
    local: str | None = None


class Secret(Section):
    """Where a secret's value is kept in Secret Manager: not among those that orgs name. The
    local cloud gives ``local``, or a random value where that is left out, unless the environment
    has one."""

    secret: ResourceId
    version: Literal["latest"] | Annotated[int, Field(ge=1)]
    local: str | None = None

    @field_validator("secret")
    @classmethod
    def _of_no_org(cls, name: str) -> str:
        if name.startswith("pos-"):
            raise ValueError("names that begin with pos- are those of orgs")
        return name


class RateLimits(Section):
    """How fast a queue sends. The defaults and bounds are Cloud Tasks' own."""

    max_dispatches_per_second: float = Field(default=500, gt=0, le=500)
    max_concurrent_dispatches: int = Field(default=1000, ge=1, le=5000)


class Retry(Section):
    """How a queue repeats what failed (Cloud Tasks' RetryConfig and its defaults).
    ``max_attempts`` -1 is without end, ``max_retry_seconds`` 0 is without limit."""

    max_attempts: int = Field(default=100, ge=-1)
    max_retry_seconds: float = Field(default=0, ge=0)
    min_backoff_seconds: float = Field(default=0.1, ge=0)
    max_backoff_seconds: float = Field(default=3600, ge=0)
    max_doublings: int = Field(default=16, ge=0)


class Queue(Section):
    """A Cloud Tasks queue."""

    rate_limits: RateLimits = RateLimits()
    retry: Retry = Retry()


class Schedule(Section):
    """Publishes ``message`` to ``topic`` when the cron expression comes due."""

    cron: str
    timezone: str
    topic: ResourceId
    message: dict[str, Any]


class LogMetric(Section):
    """Counts log lines: those of an event, or those that a filter of Cloud Logging finds. With
    ``value`` the distribution of that field of an event's lines, where they have it."""

    event: str | None = None
    filter: str | None = None
    value: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.event is None) == (self.filter is None):
            raise ValueError("event or filter")
        if self.value and not self.event:
            raise ValueError("a value is a field of an event")
        return self


class Measured(Section):
    """A metric of Cloud Monitoring, of one type of monitored resource. ``log:NAME`` is one of the
    manifest's own log metrics."""

    metric: str
    resource: str
    filter: str | None = None

    @property
    def log_metric(self) -> str | None:
        """The log metric's name, if it is one."""
        return self.metric.removeprefix(LOG) if self.metric.startswith(LOG) else None


class Alert(Measured):
    """A condition of Cloud Monitoring that people are told of: the metric, aligned over a minute,
    is over ``above``, in its own unit, for so long; or ``absent`` for so long."""

    aligner: str
    above: float | None = None
    absent: bool = False
    for_seconds: int = Field(ge=0)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.above is None) != self.absent:
            raise ValueError("above or absent")
        return self


class Objective(Measured):
    """A share of good events: those that the filter ``good`` finds, or those with a value under
    ``below``. With ``window_seconds`` a share of windows whose mean is under ``below``."""

    goal: float = Field(gt=0, lt=1)
    good: str | None = None
    below: float | None = None
    window_seconds: int | None = Field(default=None, ge=60)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.good is None) == (self.below is None) or (self.good and self.window_seconds):
            raise ValueError("good, or below, which alone may have window_seconds")
        return self
