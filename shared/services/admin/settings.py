"""An org's own settings, changed by a person: sync, loyalty, its account at Alpine IQ, alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from shared.bus.notification_urls import fault
from shared.bus.notifier import Notifier
from shared.clock import Clock
from shared.domain.org_secrets import SecretPlace
from shared.errors import ConfigurationInvalid, RequestInvalid
from shared.outbound.credentials import PREFIX, secret_name
from shared.outbound.destinations import Destinations
from shared.outbound.sealing import SEALED, Sealer
from shared.services.admin.audit import Actor, record_action
from shared.services.admin.locations import ChangedMeanwhile, sealed
from shared.services.alerts import address_id
from shared.store import tenants
from shared.store.database import Conflict, Database, WriteRefused, version_text

ALPINE_IQ = "alpineIq"
ALERTS = "alerts"
API_KEY = "apiKey"
BASE_URL = "baseUrl"
TEST_TITLE = "A test from Sync Sam"
TEST_BODY = (
    "Somebody has asked for this in the settings of {org}. Alerts about it come to this address."
)
NOT_SENT = "The service did not take it: see whether the address is right."

Part = Mapping[str, Any] | None
"""Fields of a part of the settings: those left out keep their value, one that is None is removed.
None: the whole part is removed."""


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What somebody wants changed: ``parts`` by their fields in the org's document. Of its alert
    addresses some may be added, and some removed, by their ids (services.alerts)."""

    parts: Mapping[str, Part]
    add_urls: Sequence[str] = ()
    remove_urls: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TestedAddress:
    """What came of a test: the address's id, the kind of service, whether that took it."""

    id: str
    service: str
    accepted: bool
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class OrgSettings:
    """Changes the settings of orgs."""

    database: Database
    sealer: Sealer
    destinations: Destinations
    notifier: Notifier
    clock: Clock

    def change(self, org_id: str, change: SettingsChange, version: str | None, actor: Actor) -> str:
        """Change settings that are still of the version that the caller has seen, None where there
        were none; returns the new version. Raises RequestInvalid naming each field that is wrong,
        and ChangedMeanwhile."""
        stored = tenants.document(self.database, org_id)
        seen = version_text(stored.version) if stored.version else None
        if seen != version:
            raise ChangedMeanwhile("somebody else has changed the settings meanwhile: look again")
        parts = {
            name: _merged(stored.fields.get(name), part) for name, part in change.parts.items()
        }
        if change.add_urls or change.remove_urls:
            known = parts.get(ALERTS) or _map(stored.fields.get(ALERTS))
            parts[ALERTS] = {**known, "urls": _urls(known, change)}
        self._check(org_id, stored.fields, parts, change)
        return self._save(org_id, parts, stored.version, actor)

    def test_alerts(self, org_id: str, actor: Actor) -> list[TestedAddress]:
        """Send a test to each of the org's addresses."""
        urls = list(dict.fromkeys(tenants.alert_urls(self.database, org_id)))
        body = TEST_BODY.format(org=org_id)
        accepted = self.notifier.send(urls, TEST_TITLE, body) if urls else []
        record_action(self.database, actor, "alerts_tested", org_id=org_id, now=self.clock())
        return [
            TestedAddress(
                address_id(url),
                url.get_secret_value().partition("://")[0][:20],
                took,
                None if took else NOT_SENT,
            )
            for url, took in zip(urls, accepted, strict=True)
        ]

    def _check(
        self,
        org_id: str,
        stored: Mapping[str, Any],
        parts: Mapping[str, Part],
        change: SettingsChange,
    ) -> None:
        named = {name: list(part) for name, part in change.parts.items() if part}
        wrong = []
        try:
            tenants.check(org_id, {n: p for n, p in parts.items() if p is not None}, named)
        except ConfigurationInvalid as error:
            wrong.append(str(error))
        else:
            urls = (parts.get(ALERTS) or {}).get("urls", [])
            known_urls = _map(stored.get(ALERTS)).get("urls", ())
            wrong += [
                f"{ALERTS}.urls.{place}: {why}"
                for place, url in enumerate(urls)
                if url not in known_urls and (why := self._wrong_with(url))
            ]
        given, known = change.parts.get(ALPINE_IQ) or {}, _map(stored.get(ALPINE_IQ))
        wrong += self._wrong_with_account(org_id, given)
        moved = BASE_URL in given and given[BASE_URL] != known.get(BASE_URL)
        if moved and known.get(API_KEY) and API_KEY not in given:
            wrong.append(f"{ALPINE_IQ}.{API_KEY}: to be given again, as {BASE_URL} changes")
        if wrong:
            raise RequestInvalid("; ".join(wrong))

    def _wrong_with(self, url: str) -> str | None:
        why = fault(url)
        if why is None and not self.notifier.knows(SecretStr(url)):
            return "no address of a service that can be notified"
        return why

    def _wrong_with_account(self, org_id: str, given: Mapping[str, Any]) -> list[str]:
        key, url = str(given.get(API_KEY) or ""), given.get(BASE_URL)
        wrong = []
        try:
            if key.startswith(PREFIX):
                secret_name(SecretStr(key), SecretPlace(org_id, f"{ALPINE_IQ}.{API_KEY}"))
            if isinstance(url, str):
                place = SecretPlace(org_id, f"{ALPINE_IQ}.{BASE_URL}")
                self.destinations.require(ALPINE_IQ, url, place)
        except ConfigurationInvalid as error:
            wrong.append(str(error))
        return wrong

    def _save(
        self,
        org_id: str,
        parts: dict[str, Part],
        version: Any,
        actor: Actor,
    ) -> str:
        alpine = parts.get(ALPINE_IQ)
        key = str(alpine[API_KEY]) if alpine else ""
        if alpine and not key.startswith((PREFIX, SEALED)):
            place = SecretPlace(org_id, f"{ALPINE_IQ}.{API_KEY}")
            parts[ALPINE_IQ] = {**alpine, API_KEY: sealed(self.sealer, key, place)}
        target, now = ", ".join(sorted(parts)), self.clock()
        try:
            saved = record_action(
                self.database,
                actor,
                "settings_changed",
                org_id=org_id,
                target=target,
                now=now,
                writes=[tenants.put(org_id, parts, version)],
            )
        except Conflict:
            raise ChangedMeanwhile("somebody else has changed it meanwhile: look again") from None
        except WriteRefused:
            raise RequestInvalid("the settings cannot be stored as they are") from None
        assert saved is not None  # documents were written
        return version_text(saved)


def _map(stored: object) -> Mapping[str, Any]:
    return stored if isinstance(stored, dict) else {}


def _merged(stored: object, part: Part) -> Part:
    if part is None:
        return None
    merged = {**_map(stored), **part}
    return {name: value for name, value in merged.items() if value is not None}


def _urls(known: Mapping[str, Any], change: SettingsChange) -> list[str]:
    listed = [url for url in known.get("urls", ()) if isinstance(url, str)]
    kept = [url for url in listed if address_id(SecretStr(url)) not in change.remove_urls]
    return list(dict.fromkeys([*kept, *change.add_urls]))
