"""``webhook``: where an org's POS sends its events, and whether they arrive."""

import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

import requests
import typer
from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from deploy.sam.frame import DIFFERS, DONE, AnswerModel, Cli, CouldNot, OrgArgument, command
from deploy.sam.words import known_org
from shared.clock import utc_now
from shared.domain.orders import external_id_of
from shared.domain.org_secrets import SecretPlace
from shared.domain.providers import ALLEAVES, LIGHTSPEED, Provider, label
from shared.errors import ConfigurationInvalid
from shared.pos.alleaves.webhooks import read_event as read_alleaves
from shared.pos.lightspeed.webhooks import ADDRESS_PATH, SALE
from shared.pos.lightspeed.webhooks import read_event as read_lightspeed
from shared.services.reads.customers import OrderReads
from shared.services.webhook_secrets import AddressSecrets
from shared.services.webhooks import event_key
from shared.store import locations, webhook_events, webhook_signers
from shared.store.webhook_events import WebhookState
from shared.web.routes.webhooks import ALLEAVES as ALLEAVES_PATH
from shared.web.signatures import signature

CALL_SECONDS = 20.0
SETTLED_SECONDS = 60.0
LOOK_SECONDS = 0.2
SEARCHED = 50
"""Orders among which one of the provider's is looked for."""
FALLBACK = "ALLEAVES_WEBHOOK_SECRET"
NO_ORDER = "0"


class Action(StrEnum):
    """What is wanted of an org's webhooks."""

    URL = "url"
    TEST = "test"


class Address(AnswerModel):
    """Where a POS sends its events. ``secret`` is what it signs them with; of an address that
    holds its secret it is the same."""

    provider: Provider
    url: str
    secret: str
    signed: bool

    def show(self, out: Console) -> None:
        """To be copied."""
        out.print(label(self.provider))
        out.print(Text(f"  address  {self.url}"), soft_wrap=True)
        what = "signs with" if self.signed else "is part of the address:"
        out.print(Text(f"  secret   {what} {self.secret}"), soft_wrap=True)


class Trial(AnswerModel):
    """A signed sample and what became of it: ``status`` and ``outcome`` are the door's answer,
    ``state`` that of the event, ``runId`` the run that fetched the record."""

    provider: Provider
    url: str
    event: str
    record_id: str
    status: int
    outcome: str | None
    state: str | None
    run_id: str | None
    seconds: float
    problem: str | None

    def show(self, out: Console) -> None:
        """Each step."""
        out.print(
            Text(f"{self.event} of {self.record_id} sent: {self.status} {self.outcome or ''}")
        )
        if self.state:
            by = f" by run {self.run_id}" if self.run_id else ""
            out.print(Text(f"{self.state}{by} after {self.seconds:.1f} s"))
        if self.problem:
            out.print(Text(self.problem, style="red"))


class WebhookAnswer(AnswerModel):
    """The addresses (``url``), or a sample for each (``test``)."""

    org_id: str
    addresses: tuple[Address, ...]
    trials: tuple[Trial, ...]

    @property
    def exit_code(self) -> int:
        return DIFFERS if any(each.problem for each in self.trials) else DONE

    def show(self, out: Console) -> None:
        """Each."""
        for address in self.addresses:
            address.show(out)
        for trial in self.trials:
            trial.show(out)


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "webhook", WebhookAnswer, example="org_harbor test")(webhook)


def webhook(
    cli: Cli,
    org: OrgArgument,
    action: Annotated[Action, typer.Argument(help="Print the address, or send a sample.")],
    *,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="https://HOST", help="Where the functions are reached."),
    ] = None,
) -> WebhookAnswer:
    """Print where an org's POS sends its events, with the secret; or send a signed sample there
    and follow it until its run has ended. The sample names a stored order: nothing changes."""
    org_id = known_org(cli, org)
    origin = (url or cli.target.origin).rstrip("/")
    found = [_address(cli, org_id, each, origin) for each in _providers(cli, org_id)]
    if action is Action.URL:
        return WebhookAnswer(org_id=org_id, addresses=tuple(found), trials=())
    trials = tuple(_trial(cli, org_id, each) for each in found)
    return WebhookAnswer(org_id=org_id, addresses=(), trials=trials)


def _providers(cli: Cli, org_id: str) -> list[Provider]:
    active = locations.configured(cli.target.store, org_id).active
    found = list(dict.fromkeys(each.pos_config.provider for each in active))
    if not found:
        raise ConfigurationInvalid(f"{org_id} has no active location: webhooks go to none")
    return found


def _address(cli: Cli, org_id: str, provider: Provider, origin: str) -> Address:
    signer = _signer(cli, org_id, provider)
    if provider == LIGHTSPEED and signer.app_secret is None:
        target = cli.target
        secret = AddressSecrets(target.store, target.secrets, utc_now, target.actor).current(org_id)
        text = secret.get_secret_value()
        return Address(
            provider=provider,
            url=f"{origin}{ADDRESS_PATH}/{org_id}/{text}",
            secret=text,
            signed=False,
        )
    path = ADDRESS_PATH if provider == LIGHTSPEED else ALLEAVES_PATH
    secret = _signing(cli, org_id, provider, signer)
    return Address(
        provider=provider,
        url=f"{origin}{path}/{org_id}",
        secret=secret.get_secret_value(),
        signed=True,
    )


def _signer(cli: Cli, org_id: str, provider: Provider) -> webhook_signers.WebhookSigner:
    found = webhook_signers.of_org(cli.target.store, provider, org_id)
    return min(found, key=lambda each: (each.secret is None, each.id))


def _signing(
    cli: Cli, org_id: str, provider: Provider, signer: webhook_signers.WebhookSigner
) -> SecretStr:
    """What the POS signs with: the location's secret, or Alleaves' where it has none."""
    own = signer.app_secret if provider == LIGHTSPEED else signer.secret
    if own is None:
        found = _fallback(cli)
    else:
        name = "clientSecret" if provider == LIGHTSPEED else "webhookSecret"
        place = SecretPlace(org_id, f"posConfig.{name}", signer.id)
        found = cli.target.secrets.text_of(own, place)
    newest = found.get_secret_value().split(" ")[0] if provider == LIGHTSPEED else None
    text = SecretStr(newest or found.get_secret_value().strip())
    if not text.get_secret_value():
        raise ConfigurationInvalid(
            f"{org_id} has no webhook secret: `sync-sam secret rotate {org_id} webhookSecret`"
            " makes one"
        )
    return text


def _fallback(cli: Cli) -> SecretStr:
    """What signs for the locations without a secret of their own."""
    stack = cli.target.stack
    return SecretStr(str(stack["webhookSecret"])) if stack else cli.target.secret(FALLBACK)


@dataclass(frozen=True, slots=True)
class _Sample:
    """An event about a stored record, as the POS would send it."""

    kind: str
    record_id: str
    body: bytes
    headers: dict[str, str]
    key: str


def _trial(cli: Cli, org_id: str, address: Address) -> Trial:
    sample = _sample(cli, org_id, address)
    began = time.monotonic()
    try:
        reply = requests.post(
            address.url, data=sample.body, headers=sample.headers, timeout=CALL_SECONDS
        )
    except requests.RequestException as error:
        raise CouldNot(
            f"{address.url.partition('/api')[0]} does not answer ({type(error).__name__}): name"
            " where the functions are reached with --url"
        ) from None
    outcome = _outcome(reply)
    found = _followed(cli, org_id, sample.key, reply.ok)
    return Trial(
        provider=address.provider,
        url=address.url if address.signed else f"{address.url.rpartition('/')[0]}/…",
        event=sample.kind,
        record_id=sample.record_id,
        status=reply.status_code,
        outcome=outcome,
        state=found.state if found else None,
        run_id=found.run_id if found else None,
        seconds=round(time.monotonic() - began, 3),
        problem=_problem(reply, found),
    )


def _sample(cli: Cli, org_id: str, address: Address) -> _Sample:
    order = _some_order(cli, org_id, address.provider)
    if address.provider == ALLEAVES:
        event = {
            "event": "order.updated",
            "data": {"id_order": order},
            "timestamp": datetime.now(UTC).isoformat(),
        }
        body = json.dumps(event).encode()
        headers = {
            "Content-Type": "application/json",
            "X-Alleaves-Signature": signature(body, SecretStr(address.secret)),
        }
        key = event_key(ALLEAVES, read_alleaves(body), body)
        return _Sample("order.updated", order, body, headers, key)
    # Another each time: what is the same as before is a repeat.
    payload = {"id": order, "sample": secrets.token_hex(8)}
    body = urlencode({"payload": json.dumps(payload), "type": SALE}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if address.signed:
        made = signature(body, SecretStr(address.secret))
        headers["X-Signature"] = f"signature={made},algorithm=HMAC-SHA256"
    return _Sample(SALE, order, body, headers, event_key(LIGHTSPEED, read_lightspeed(body), body))


def _some_order(cli: Cli, org_id: str, provider: Provider) -> str:
    """The POS's id of a stored order; of one that there is not where none is stored."""
    page = OrderReads(cli.target.store).page(org_id, status=None, cursor=None, limit=SEARCHED)
    own = (each.id for each in page.documents if each.fields.get("source") == provider)
    found = next(own, None)
    return external_id_of(found) if found else NO_ORDER


def _followed(cli: Cli, org_id: str, key: str, received: bool) -> WebhookState | None:
    if not received:
        return None
    until = time.monotonic() + SETTLED_SECONDS
    with cli.working("Following the event …"):
        while True:
            found = webhook_events.state_of(cli.target.store, org_id, key)
            if (found and found.settled) or time.monotonic() > until:
                return found
            time.sleep(LOOK_SECONDS)


def _outcome(reply: requests.Response) -> str | None:
    try:
        said = reply.json()
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    error = said.get("error")
    return str(error.get("code")) if isinstance(error, dict) else said.get("outcome")


def _problem(reply: requests.Response, found: WebhookState | None) -> str | None:
    if reply.status_code == requests.codes.unauthorized:
        return "The door does not accept the signature: it has another secret, or another clock."
    if not reply.ok:
        return f"The door refused it with {reply.status_code}."
    if found is None or not found.settled:
        return f"No run has fetched it after {SETTLED_SECONDS:g} s: is org_sync at work?"
    if found.state == webhook_events.FAILED:
        return f"The record could not be fetched: `sync-sam tail` shows why ({found.run_id})."
    return None
