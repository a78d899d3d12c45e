"""Typed reader of ``deploy/functions.yaml``, the one list of what is deployed.

    defaults:       region, runtime, account_prefix, and what a function has unless it says
                    otherwise; the variables of ``env`` every function has before its own
    functions:      NAME: {trigger, memory_mb?, cpu?, timeout_seconds?, concurrency?,
                           min_instances?, max_instances?, env?: [NAMES], secrets?: [NAMES],
                           public?, firestore?: read|write, publishes?: [T, …], org_secrets?,
                           replaces_secrets?, sessions?, begins_sessions?}
                    trigger is one of
                      {topic: T}                            a Pub/Sub message
                      {firestore: {document: PATTERN, event: written}}  a changed document
                      http                                  a request
    topics:         [T, …]
    accounts:       [A, …] service accounts beside those of the functions
    keys:           [K, …] keys of Cloud KMS, in a key ring named as ``account_prefix``
    env:            NAME: {topic: T} | {queue: Q} | {value: TEXT, local?} | {topics_of: functions} |
                    {key: K} | {own: memory_mb|concurrency} | {account: A} |
                    {deployment: project|database|provider_hosts|firebase_api_key};
                    topics, queues and keys are given to the function by their full resource name,
                    its own figures as numbers, accounts by their address
    secrets:        NAME: {secret: NAME IN SECRET MANAGER, version: latest|N, local?}; the function
                    gets the value in an environment variable
    subscriptions:  defaults, then FUNCTION: what differs for it. Every function with an event
                    trigger has a push subscription: Firestore events travel over Pub/Sub too
    local:          what the local cloud has instead in all subscriptions
    queues:         Q: {rate_limits?, retry?} of Cloud Tasks
    log_metrics:    NAME: {event | filter, value?}
    alerts:         NAME: {metric, resource, filter?, aligner, above | absent, for_seconds} of Cloud
                    Monitoring; a metric may be log:NAME
    objectives:     NAME: {goal, metric, resource, filter?, good | below, window_seconds?}
    schedules:      NAME: {cron, timezone, topic, message}

Names are checked against each other when the file is read, as are Google's limits: a manifest
that loads can be deployed.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from deploy.resources import (
    AccountValue,
    Alert,
    DeploymentValue,
    EnvName,
    FirestoreTrigger,
    FunctionName,
    KeyValue,
    LocalPolicy,
    LogMetric,
    Objective,
    OwnValue,
    PlainValue,
    Queue,
    QueueValue,
    ResourceId,
    Schedule,
    Secret,
    Section,
    Subscription,
    TopicsValue,
    TopicTrigger,
    TopicValue,
)

Value = (
    TopicValue
    | QueueValue
    | TopicsValue
    | KeyValue
    | OwnValue
    | AccountValue
    | DeploymentValue
    | PlainValue
)

DEFAULT_DATABASE = "(default)"
"""How Firestore names the database of a project that has no other."""

MANIFEST = Path(__file__).with_name("functions.yaml")


class Function(Section):
    """One function. Memory in MiB, times in seconds; ``concurrency`` is the number of requests
    that one instance serves at once. ``subscription`` is None for HTTP functions. It publishes to
    the topics of ``publishes`` itself, reads or writes documents as ``firestore`` says, reads the
    secrets in orgs' settings and replaces them, asks for the state of people's ``sessions``, and
    begins and ends them."""

    name: FunctionName
    trigger: TopicTrigger | FirestoreTrigger | Literal["http"]
    memory_mb: int = Field(ge=128)
    cpu: float = Field(gt=0)
    timeout_seconds: int = Field(ge=1, le=3600)
    concurrency: int = Field(ge=1, le=1000)
    min_instances: int = Field(default=0, ge=0)
    max_instances: int = Field(ge=1)
    env: tuple[EnvName, ...] = ()
    secrets: tuple[EnvName, ...] = ()
    subscription: Subscription | None = None
    public: bool = False
    firestore: Literal["read", "write"] | None = None
    publishes: tuple[ResourceId, ...] = ()
    org_secrets: bool = False
    replaces_secrets: bool = False
    sessions: bool = False
    begins_sessions: bool = False

    @property
    def service(self) -> str:
        """Its name where underscores are not allowed."""
        return self.name.replace("_", "-")

    @property
    def subscription_id(self) -> str:
        """The name of its push subscription."""
        return f"{self.service}-push"

    @property
    def signature(self) -> Literal["cloudevent", "http"]:
        """The functions-framework's signature type."""
        return "http" if self.trigger == "http" else "cloudevent"

    @model_validator(mode="after")
    def _within_limits(self) -> Self:
        policy = self.subscription
        if (policy is None) != (self.trigger == "http"):
            raise ValueError("a subscription goes with an event trigger")
        if self.public != (self.trigger == "http"):
            raise ValueError("an HTTP function is public, another is not")
        if policy and self.timeout_seconds > policy.ack_deadline_seconds:
            raise ValueError("the message would be delivered again while it is still worked on")
        if policy and self.timeout_seconds > 540:
            raise ValueError("an event function runs 540 s at most")
        return self


class Defaults(Section):
    """What holds for the whole deployment."""

    region: str
    runtime: str
    account_prefix: ResourceId


class Manifest(Section):
    """The whole file, defaults filled in."""

    defaults: Defaults
    functions: dict[FunctionName, Function]
    topics: tuple[ResourceId, ...]
    accounts: tuple[ResourceId, ...] = ()
    keys: tuple[ResourceId, ...] = ()
    env: dict[EnvName, Value] = Field(default_factory=dict)
    secrets: dict[EnvName, Secret] = Field(default_factory=dict)
    queues: dict[ResourceId, Queue] = Field(default_factory=dict)
    schedules: dict[ResourceId, Schedule] = Field(default_factory=dict)
    log_metrics: dict[ResourceId, LogMetric] = Field(default_factory=dict)
    alerts: dict[ResourceId, Alert] = Field(default_factory=dict)
    objectives: dict[ResourceId, Objective] = Field(default_factory=dict)
    local: LocalPolicy | None = None

    @classmethod
    def read(cls, path: Path = MANIFEST) -> Self:
        """Read a manifest file. Raises pydantic's ValidationError naming what is wrong."""
        return cls.model_validate(_with_defaults(yaml.safe_load(path.read_text())))

    def environment(
        self,
        function: Function,
        project: str,
        database: str = DEFAULT_DATABASE,
        firebase_api_key: str = "",
    ) -> dict[str, str]:
        """The plain variables of a function; secrets are the caller's to give."""
        where = {
            "project": project,
            "database": database,
            "provider_hosts": "",
            "firebase_api_key": firebase_api_key,
        }
        return {name: self._value(self.env[name], function, where) for name in function.env}

    def account(self, name: str, project: str) -> str:
        """The address of a service account: one of ``accounts``, or a function's by its service
        name."""
        return f"{self.defaults.account_prefix}-{name}@{project}.iam.gserviceaccount.com"

    @property
    def topics_of_functions(self) -> dict[str, str]:
        """The topic that each function listens to, by the function's name."""
        return {
            name: function.trigger.topic
            for name, function in self.functions.items()
            if isinstance(function.trigger, TopicTrigger)
        }

    def _value(self, value: Value, function: Function, where: Mapping[str, str]) -> str:
        project = where["project"]
        match value:
            case TopicValue(topic=topic):
                return full_name(project, topic)
            case QueueValue(queue=queue):
                return f"projects/{project}/locations/{self.defaults.region}/queues/{queue}"
            case TopicsValue():
                names = self.topics_of_functions.items()
                return json.dumps({name: full_name(project, topic) for name, topic in names})
            case KeyValue(key=key):
                ring = f"locations/{self.defaults.region}/keyRings/{self.defaults.account_prefix}"
                return f"projects/{project}/{ring}/cryptoKeys/{key}"
            case OwnValue(own=figure):
                return str(getattr(function, figure))
            case AccountValue(account=account):
                return self.account(account, project)
            case DeploymentValue(deployment=part):
                return where[part]
            case PlainValue(value=text):
                return text

    def for_local_cloud(self) -> Self:
        """The same with what the local cloud has instead."""
        changed = self.with_policy(**self.local.model_dump()) if self.local else self
        return changed.model_copy(update={"env": self._local_env()})

    def _local_env(self) -> dict[EnvName, Value]:
        return {
            name: PlainValue(value=value.local)
            if isinstance(value, PlainValue) and value.local is not None
            else value
            for name, value in self.env.items()
        }

    def with_policy(self, **changes: int) -> Self:
        """The same with these fields of every subscription changed: ``min_backoff_seconds=1``
        and the like, for tests that cannot wait. What a subscription does without it still does
        without. The limits are not checked again."""
        functions = {
            name: function.model_copy(
                update={"subscription": _changed(function.subscription, changes)}
            )
            for name, function in self.functions.items()
        }
        return self.model_copy(update={"functions": functions})

    @model_validator(mode="after")
    def _names_known(self) -> Self:
        known: Mapping[str, set[str]] = {
            "topic": set(self.topics),
            "queue": set(self.queues),
            "variable": set(self.env),
            "secret": set(self.secrets),
            "account": set(self.accounts),
            "key": set(self.keys),
            "log metric": set(self.log_metrics),
        }
        for where, kind, name in self._references():
            if name not in known[kind]:
                raise ValueError(f"{where}: no such {kind}: {name}")
        return self

    def _references(self) -> Iterator[tuple[str, str, str]]:
        for function in self.functions.values():
            yield from _references_of(function)
        for name, schedule in self.schedules.items():
            yield name, "topic", schedule.topic
        for name, value in self.env.items():
            if isinstance(value, TopicValue):
                yield name, "topic", value.topic
            if isinstance(value, KeyValue):
                yield name, "key", value.key
            if isinstance(value, QueueValue):
                yield name, "queue", value.queue
            if isinstance(value, AccountValue):
                yield name, "account", value.account
        for name, measured in (*self.alerts.items(), *self.objectives.items()):
            if measured.log_metric is not None:
                yield name, "log metric", measured.log_metric


def _references_of(function: Function) -> Iterator[tuple[str, str, str]]:
    name = function.name
    if isinstance(function.trigger, TopicTrigger):
        yield name, "topic", function.trigger.topic
    if function.subscription and function.subscription.dead_letter_topic:
        yield name, "topic", function.subscription.dead_letter_topic
    yield from ((name, "variable", variable) for variable in function.env)
    yield from ((name, "secret", secret) for secret in function.secrets)
    yield from ((name, "topic", topic) for topic in function.publishes)


def full_name(project: str, topic: str) -> str:
    """A topic's name in Pub/Sub."""
    return f"projects/{project}/topics/{topic}"


def _changed(policy: Subscription | None, changes: Mapping[str, int]) -> Subscription | None:
    if policy is None:
        return None
    return policy.model_copy(
        update={name: value for name, value in changes.items() if getattr(policy, name) is not None}
    )


def _with_defaults(raw: dict[str, Any]) -> dict[str, Any]:
    """Fill what a function or subscription leaves out, so that the models need no defaults."""
    shared = dict(raw["defaults"])
    defaults = {key: shared.pop(key) for key in ("region", "runtime", "account_prefix")}
    common = shared.pop("env", [])
    policies = dict(raw["subscriptions"])
    policy = policies.pop("defaults")
    functions: dict[str, Any] = {}
    for name, own in raw["functions"].items():
        variables = [*common, *own.get("env", ())]
        topics = [raw["env"][each]["topic"] for each in variables if "topic" in _of(raw, each)]
        function = {"publishes": topics, **shared, **own, "name": name, "env": variables}
        if function["trigger"] != "http":
            function["subscription"] = {**policy, **policies.pop(name, {})}
        functions[name] = function
    if policies:
        raise ValueError(f"subscriptions of no event function: {', '.join(sorted(policies))}")
    rest = {key: value for key, value in raw.items() if key != "subscriptions"}
    return {**rest, "defaults": defaults, "functions": functions}


def _of(raw: Mapping[str, Any], variable: str) -> Mapping[str, Any]:
    value: Mapping[str, Any] = raw.get("env", {}).get(variable, {})
    return value
