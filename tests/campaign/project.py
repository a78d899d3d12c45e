"""A project on the emulators: its topics, its settings, its orgs, and what is stored of them."""

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
from google.cloud.firestore import Client

from deploy.local.clients import firestore_client
from deploy.local.environment import Addresses, of_function
from deploy.manifest import Manifest
from shared.bus.messages import Message
from shared.bus.publisher import Publisher
from shared.domain.providers import ALLEAVES, LIGHTSPEED, Provider
from shared.pos.alleaves import webhooks as alleaves_webhooks
from shared.pos.lightspeed import webhooks as lightspeed_webhooks
from shared.services import fan_out
from shared.services.dead_letters import ReplayDeadLetters, topic_of
from shared.services.manual_sync import ManualSync, RunUnderWay, SyncRequest
from shared.services.webhooks import ReceiveWebhook
from shared.store.database import Database
from tests.campaign.chaos import Calm
from tests.campaign.dispatcher import Dispatcher, Setting, Trail
from tests.campaign.ecom_import import EcomImporter, Export
from tests.campaign.firestore_weather import FAIR, FirestoreWeather, is_to_blame
from tests.campaign.hostile_messages import HostileMessage
from tests.campaign.pos_activity import utc
from tests.campaign.process_fault import ProcessFault
from tests.campaign.scale import Scale
from tests.campaign.services import Services
from tests.campaign.stored import Stored
from tests.campaign.subscriptions import PullSubscriptions
from tests.fakes import RecordingLaterPublisher

FUNCTIONS = ["cron_fanout", "org_sync", "spending", "dead_letter"]
PATIENT = {"LEASE_SECONDS": "30", "SYNC_SECONDS": "60", "SPENDING_SECONDS": "60"}
"""Settings under which a slow machine is no fault."""
MOST_CALLS = 20
READERS = {
    ALLEAVES: alleaves_webhooks.read_event,
    LIGHTSPEED: lightspeed_webhooks.read_event,
}


class Project:
    """One project. Its data is dropped from the emulator when it is closed."""

    def __init__(
        self,
        name: str,
        services: Services,
        log: Path,
        locations: Sequence[Mapping[str, Any]],
        trail: Trail,
    ) -> None:
        self.name = name
        self._services = services
        self._manifest = Manifest.read().for_local_cloud()
        self._log = log
        self._client: Client = firestore_client(services.firestore, name)
        # What the campaign reads itself shall not use up the faults that are meant for others.
        self._reader: Client = firestore_client(services.emulator, name)
        self._weather = FAIR
        self._injected: Counter[str] = Counter()
        self._subscriptions = PullSubscriptions(services.pubsub, name, self._manifest, FUNCTIONS)
        setting = Setting({}, log, timedelta(0), None)
        self.dispatcher = Dispatcher(self._subscriptions, setting, Calm(None), trail)
        self.set(timedelta(0), None, PATIENT)
        for location in locations:
            self._client.document(f"locations/{location['id']}").set(location["document"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def set(self, later: timedelta, scale: Scale | None, settings: Mapping[str, str]) -> None:
        """How workers to come are set up."""
        addresses = Addresses(
            project=self.name,
            firestore=self._services.firestore,
            pubsub=self._services.pubsub,
            tasks="127.0.0.1:9",
        )
        secrets = {name: each.local or "" for name, each in self._manifest.secrets.items()}
        environment = {
            name: {
                **of_function(self._manifest.functions[name], self._manifest, addresses, secrets),
                **settings,
                "RESEND_AFTER_SECONDS": "0",  # there is no queue: the campaign itself replays
            }
            for name in FUNCTIONS
        }
        fails = bool(self._weather.faults)
        self.dispatcher.setting = Setting(environment, self._log, later, scale, fails)

    def set_weather(self, weather: FirestoreWeather, seed: int) -> None:
        """How Firestore fares from now on. ``set`` has its workers know."""
        self._weather = weather
        if strict := self._services.strict:
            self._injected.update(strict.injected(self.name))
            weather.set(strict, self.name, seed)

    @property
    def injected(self) -> Counter[str]:
        """How many calls Firestore failed by order, before the weather last changed."""
        return self._injected

    def refused(self) -> list[str]:
        """What a real Firestore would have refused since this was last asked."""
        strict = self._services.strict
        found = strict.refusals(self.name) if strict else []
        return [f"{each.rpc} is refused, {each.status}: {each.message}" for each in found]

    def configure(self, org_ids: Iterable[str], lookback_days: int) -> None:
        """Write the orgs' own settings."""
        for org_id in org_ids:
            settings = {"sync": {"lookbackDays": lookback_days}}
            self._client.document(f"tenants/{org_id}").set(settings)

    def tick(self, job: str = "pos-sync") -> str:
        """A schedule comes due; the id of the tick's message."""
        return self._subscriptions.publish("cron-tick", {"job": job})

    def send(self, message: HostileMessage) -> None:
        """Somebody sends what nobody should."""
        self._subscriptions.publish_encoded(message.topic, [message.encoded])

    def run(self, org_id: str, tick_id: str) -> dict[str, Any]:
        """The run that a tick asked for."""
        return self.stored(org_id).document(f"sync_runs/{fan_out.run_id(tick_id, org_id)}")

    def sync_by_hand(self, request: dict[str, Any]) -> None:
        """Do what ``manual_sync`` does for a person."""
        later = self.dispatcher.setting.later
        post = _PosSyncPublisher(self._subscriptions)
        queue = RecordingLaterPublisher()  # people sync one org at a time
        sync = ManualSync(Database(self._client), post, queue, lambda: utc(later))
        streams = tuple(request["streams"]) if request["streams"] else None
        wanted = SyncRequest(request["org_id"], "a person", full=request["full"], streams=streams)
        with contextlib.suppress(RunUnderWay):
            _until_done(lambda: sync.start(wanted))

    def take_in(self, org_id: str, body: bytes, provider: Provider = ALLEAVES) -> None:
        """Do what ``webhooks`` does with a webhook, twice: POSes repeat themselves."""
        later = self.dispatcher.setting.later
        database, post = Database(self._client), _PosSyncPublisher(self._subscriptions)
        read = READERS[provider]
        receive = ReceiveWebhook(provider, read, database, post, lambda: utc(later))
        for _ in range(2):
            _until_done(lambda: receive(org_id, body))

    def begin_import(
        self, org_id: str, text: str, zone: str, process_fault: ProcessFault | None
    ) -> EcomImporter:
        """Do what ``sync-sam import-ecom`` does with an export of the org's eCom shop."""
        setting = self.dispatcher.setting
        return EcomImporter(
            Export(
                org_id,
                text,
                zone,
                self.name,
                setting.environment["spending"],
                self._log,
                setting.later,
                setting.scale,
                process_fault,
            )
        )

    def compute_everybody(self, org_ids: Iterable[str]) -> None:
        """The daily pass over all customers."""
        for org_id in org_ids:
            self._subscriptions.publish("spending", {"orgId": org_id})

    def dead_letters(self) -> dict[str, dict[str, Any]]:
        """Every dead letter, by id."""
        found = self._reader.collection("dead_letters").stream()
        return {document.id: document.to_dict() or {} for document in found}

    def tenants(self) -> list[str]:
        """Ids of the orgs that have any document."""
        return [each.id for each in self._reader.collection("tenants").list_documents()]

    def replay_dead_letters(self, wanted: Callable[[Mapping[str, Any]], bool]) -> None:
        """What an operator does when the cause of dead letters is gone (sync-sam replay): send
        those of the ``wanted`` fields again."""

        def publish(topic: str, text: str, attributes: Mapping[str, str]) -> None:
            self._subscriptions.publish(topic, json.loads(text))

        later = self.dispatcher.setting.later
        replay = ReplayDeadLetters(
            Database(self._client),
            publish,
            lambda source: topic_of(source, self._manifest.topics_of_functions),
            lambda: utc(later),
        )
        for message_id, fields in self.dead_letters().items():
            if fields["replayedAt"] is None and wanted(fields):
                outcome = replay(None, message_id, 1)
                assert not outcome.left, outcome.left

    def stored(self, org_id: str) -> Stored:
        """What is stored of an org."""
        return Stored(self._reader, org_id)

    def close(self) -> None:
        """End its workers and drop its data: the emulator keeps everything in memory."""
        self.dispatcher.close()
        for client in (self._client, self._reader):
            client.close()  # type: ignore[no-untyped-call]
        where = f"emulator/v1/projects/{self.name}/databases/(default)/documents"
        requests.delete(f"http://{self._services.emulator}/{where}", timeout=60)


def _until_done(call: Callable[[], object]) -> None:
    """Do what its caller, a person or the POS, does again where Firestore failed."""
    for left in reversed(range(MOST_CALLS)):
        try:
            call()
        except Exception as error:
            if not left or not is_to_blame(error):
                raise
        else:
            return


class _PosSyncPublisher(Publisher):
    """A publisher to pos-sync that needs no client of Google's."""

    def __init__(self, subscriptions: PullSubscriptions) -> None:
        self._subscriptions = subscriptions

    def publish(self, messages: Iterable[Message]) -> int:
        sent = [self._subscriptions.publish("pos-sync", each.to_json()) for each in messages]
        return len(sent)
