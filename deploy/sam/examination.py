"""What ``doctor`` looks at: each part of an installation, by Google's REST interfaces.

The local cloud has topics, subscriptions, functions and ticks only.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError

from deploy.local.paths import ROOT
from deploy.release.commands import Target
from deploy.sam.frame import AnswerModel
from deploy.sam.google import GoogleRest, NotAnswered
from deploy.sam.target import CommandTarget
from deploy.sam.words import ago
from shared.domain.runs import OVERDUE_AFTER
from shared.store import locations

INDEXES = ROOT / "firestore.indexes.json"
RULES = Path(__file__).parents[1] / "firestore.rules"
LOCAL_SECONDS = 5
OLDEST_SECONDS = 3_600
"""As long as a message may wait (the alert messages-wait)."""
MEASURED = timedelta(minutes=15)
WAITING = "pubsub.googleapis.com/subscription/oldest_unacked_message_age"


class Finding(AnswerModel):
    """One thing that was looked at. ``toDo``: what to do where it is not ``ok``."""

    area: str
    name: str
    ok: bool
    said: str
    to_do: str | None


@dataclass(frozen=True, slots=True)
class Examination:
    """Looks at each part of an installation."""

    rest: GoogleRest
    target: CommandTarget
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def local(self) -> Iterator[Finding]:
        """What the local cloud has."""
        pubsub = f"http://{self.target.local['pubsub']}/v1/projects/{self.target.project}"
        yield from self._messages(pubsub)
        for name, url in self.target.local["functions"].items():
            yield from self._asked("function", name, partial(_answers, url))
        yield from self._ticks()

    def project(self) -> Iterator[Finding]:
        """What a project has."""
        place = Target.of(self.target.project)
        home = f"projects/{self.target.project}"
        region = f"{home}/locations/{place.region}"
        yield from self._functions(f"https://cloudfunctions.googleapis.com/v2/{region}/functions")
        yield from self._messages(f"https://pubsub.googleapis.com/v1/{home}")
        yield from self._backlog(f"https://monitoring.googleapis.com/v3/{home}/timeSeries")
        yield from self._schedules(f"https://cloudscheduler.googleapis.com/v1/{region}/jobs")
        yield from self._queues(f"https://cloudtasks.googleapis.com/v2/{region}/queues")
        database = f"{home}/databases/{self.target.database_name}"
        firestore = f"https://firestore.googleapis.com/v1/{database}/collectionGroups/-"
        yield from self._indexes(f"{firestore}/indexes")
        yield from self._expiry(f"{firestore}/fields")
        yield from self._secrets(f"https://secretmanager.googleapis.com/v1/{home}/secrets")
        yield from self._rules("https://firebaserules.googleapis.com/v1", home)
        yield from self._ticks()

    def _messages(self, base: str) -> Iterator[Finding]:
        """Topics, and the subscription of each function."""
        manifest = self.target.manifest
        yield from self._there(
            "topic", manifest.topics, lambda: _names(self.rest.every(f"{base}/topics", "topics"))
        )
        wanted = [f.subscription_id for f in manifest.functions.values() if f.subscription]
        topics = manifest.topics_of_functions
        pushed = [s for s, f in zip(wanted, _events(manifest), strict=True) if f in topics]
        yield from self._there(
            "subscription",
            pushed,
            lambda: _names(self.rest.every(f"{base}/subscriptions", "subscriptions")),
        )

    def _functions(self, url: str) -> Iterator[Finding]:
        found = self._listed("functions", url, "functions")
        if isinstance(found, Finding):
            yield found
            return
        by_name = {_short(each): each for each in found}
        for function in self.target.manifest.functions.values():
            known = by_name.get(function.service)
            if known is None:
                yield _wrong("function", function.service, "is not there", DEPLOY)
                continue
            state = str(known.get("state"))
            if state != "ACTIVE":
                yield _wrong("function", function.service, state, f"see its build. {DEPLOY}")
                continue
            given = known.get("serviceConfig", {}).get("environmentVariables", {})
            lacking = sorted(set(function.env) - set(given))
            if lacking:
                told = f"lacks {', '.join(lacking)}"
                yield _wrong("function", function.service, told, DEPLOY)
            else:
                yield _fine("function", function.service, "active, with all of its settings")

    def _backlog(self, url: str) -> Iterator[Finding]:
        """How long the oldest message of each subscription waits."""
        now = self.clock()
        asked = {
            "filter": f'metric.type = "{WAITING}"',
            "interval.startTime": (now - MEASURED).isoformat(),
            "interval.endTime": now.isoformat(),
        }
        found = self._listed("backlog", url, "timeSeries", asked)
        if isinstance(found, Finding):
            yield found
            return
        for series in found:
            name = str(series.get("resource", {}).get("labels", {}).get("subscription_id"))
            points = series.get("points") or [{}]
            seconds = int(points[0].get("value", {}).get("int64Value", 0))
            said = f"the oldest message waits for {seconds:,} s"
            if seconds > OLDEST_SECONDS:
                to_do = "see the function's log: it fails, or has too few instances"
                yield _wrong("backlog", name, said, to_do)
            else:
                yield _fine("backlog", name, said)

    def _schedules(self, url: str) -> Iterator[Finding]:
        found = self._listed("schedules", url, "jobs")
        if isinstance(found, Finding):
            yield found
            return
        by_name = {_short(each): each for each in found}
        for name in self.target.manifest.schedules:
            job = by_name.get(name)
            if job is None:
                yield _wrong("schedule", name, "is not there", DEPLOY)
                continue
            state, last = str(job.get("state")), job.get("lastAttemptTime")
            fired = f"last fired {ago(datetime.fromisoformat(last))}" if last else "never fired"
            code = job.get("status", {}).get("code", 0)
            if state != "ENABLED":
                yield _wrong("schedule", name, f"{state}, {fired}", SMOKE)
            elif code:
                to_do = "see the grant to publish of Cloud Scheduler"
                yield _wrong("schedule", name, f"{fired}, and failed with code {code}", to_do)
            else:
                yield _fine("schedule", name, fired)

    def _queues(self, url: str) -> Iterator[Finding]:
        found = self._listed("queues", url, "queues")
        if isinstance(found, Finding):
            yield found
            return
        states = {_short(each): str(each.get("state")) for each in found}
        for name in self.target.manifest.queues:
            state = states.get(name, "is not there")
            if state == "RUNNING":
                yield _fine("queue", name, "running")
            else:
                yield _wrong("queue", name, state, f"gcloud tasks queues resume {name}, or deploy")

    def _indexes(self, url: str) -> Iterator[Finding]:
        found = self._listed("indexes", url, "indexes")
        if isinstance(found, Finding):
            yield found
            return
        states = {_index_of(each, each["name"].split("/")[-3]): each["state"] for each in found}
        declared = json.loads(INDEXES.read_text())["indexes"]
        for index in declared:
            key = _index_of(index, index["collectionGroup"])
            state = states.get(key, "is not there")
            if state != "READY":
                yield _wrong("index", key, state, "wait while it is built, else make deploy")
        ready = sum(states.get(_index_of(i, i["collectionGroup"])) == "READY" for i in declared)
        yield _fine("index", "all", f"{ready} of {len(declared)} ready")

    def _expiry(self, url: str) -> Iterator[Finding]:
        found = self._listed("expiry", url, "fields", {"filter": "ttlConfig:*"})
        if isinstance(found, Finding):
            yield found
            return
        states = {each["name"].split("/")[-3]: each.get("ttlConfig", {}) for each in found}
        overrides = json.loads(INDEXES.read_text())["fieldOverrides"]
        for each in (o for o in overrides if o.get("ttl")):
            group = each["collectionGroup"]
            state = str(states.get(group, {}).get("state", "is not there"))
            if state == "ACTIVE":
                yield _fine("expiry", group, "active")
            else:
                yield _wrong("expiry", group, state, "wait while it is built, else make deploy")

    def _secrets(self, url: str) -> Iterator[Finding]:
        for secret in self.target.manifest.secrets.values():
            yield from self._asked(
                "secret",
                secret.secret,
                partial(self._version, f"{url}/{secret.secret}/versions/{secret.version}"),
                missing="add a version: docs/deploy.md, section 3",
            )

    def _version(self, url: str) -> str:
        found = self.rest.get(url)
        if found.get("state") != "ENABLED":
            raise NotAnswered(url, 404)
        return f"version {_short(found)}, of {found.get('createTime', '')[:10]}"

    def _rules(self, base: str, home: str) -> Iterator[Finding]:
        name = self.target.database_name
        release = "cloud.firestore" if name == "(default)" else f"cloud.firestore/{name}"
        try:
            ruleset = self.rest.get(f"{base}/{home}/releases/{release}")["rulesetName"]
            files = self.rest.get(f"{base}/{ruleset}").get("source", {}).get("files", ())
        except NotAnswered as error:
            yield _wrong("rules", release, str(error), DEPLOY)
            return
        if any(each.get("content") == RULES.read_text() for each in files):
            yield _fine("rules", release, "those of deploy/firestore.rules")
        else:
            to_do = "merge deploy/firestore.rules into them, or set deploy_rules and deploy"
            yield _wrong("rules", release, "others than deploy/firestore.rules", to_do)

    def _ticks(self) -> Iterator[Finding]:
        """When all orgs were last asked for."""
        try:
            at = locations.last_tick(self.target.store)
        except (GoogleAPICallError, RetryError) as error:
            yield _wrong("ticks", "pos-sync", f"Firestore answers: {error}", MAY_READ)
            return
        said = f"the last one {ago(at)}" if at else "none yet"
        if self.target.stack:
            yield _fine("ticks", "pos-sync", f"{said}; the local cloud has no scheduler")
        elif at is None or self.clock() - at > OVERDUE_AFTER:
            yield _wrong("ticks", "pos-sync", said, SMOKE)
        else:
            yield _fine("ticks", "pos-sync", said)

    def _there(
        self, area: str, wanted: Iterable[str], ask: Callable[[], set[str]]
    ) -> Iterator[Finding]:
        try:
            found = ask()
        except NotAnswered as error:
            yield _wrong(area, "all", str(error), "see that you may look at it, or deploy")
            return
        for name in wanted:
            yield (
                _fine(area, name, "is there")
                if name in found
                else _wrong(area, name, "is not there", DEPLOY)
            )

    def _asked(
        self, area: str, name: str, ask: Callable[[], str], missing: str = "start it anew"
    ) -> Iterator[Finding]:
        try:
            yield _fine(area, name, ask())
        except NotAnswered as error:
            yield _wrong(area, name, str(error), missing)

    def _listed(
        self, area: str, url: str, name: str, params: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]] | Finding:
        try:
            return list(self.rest.every(url, name, params))
        except NotAnswered as error:
            to_do = "see that the service is enabled and that you have the role Viewer"
            return _wrong(area, "all", str(error), to_do)


MAY_READ = "see that there is the database, and that you have the role Cloud Datastore Viewer"
DEPLOY = "make deploy PROJECT=… puts it there"
SMOKE = "make smoke PROJECT=… ORG=… starts the schedules"


def _answers(url: str) -> str:
    try:
        requests.get(url, timeout=LOCAL_SECONDS)
    except requests.RequestException:
        raise NotAnswered(url, 0) from None
    return f"answers at {url}"


def _fine(area: str, name: str, said: str) -> Finding:
    return Finding(area=area, name=name, ok=True, said=said, to_do=None)


def _wrong(area: str, name: str, said: str, to_do: str) -> Finding:
    return Finding(area=area, name=name, ok=False, said=said, to_do=to_do)


def _events(manifest: Any) -> list[str]:
    return [name for name, each in manifest.functions.items() if each.subscription]


def _names(found: Iterable[Mapping[str, Any]]) -> set[str]:
    return {_short(each) for each in found}


def _short(resource: Mapping[str, Any]) -> str:
    return str(resource.get("name", "")).rpartition("/")[2]


def _index_of(index: Mapping[str, Any], group: str) -> str:
    """A composite index in words; equal for equal indexes."""
    fields = [
        f"{each['fieldPath']} {each.get('order') or each.get('arrayConfig')}"
        for each in index["fields"]
        if each["fieldPath"] != "__name__"
    ]
    return f"{group} ({index['queryScope'].lower()}): {', '.join(fields)}"
