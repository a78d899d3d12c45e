"""The webhooks of an org's Lightspeed accounts:
python -m deploy.lightspeed_webhooks register|list|rotate|remove --org ORG [--url https://HOST]

    register   has Lightspeed send sales, customers, products and stock that change to Sync Sam at
               --url, and to no other address of the org at Sync Sam. A second time it changes
               nothing. What an OAuth app registers (posConfig.clientSecret) is signed; else the
               address holds the secret posConfig.webhookSecret, which is made where there is none
    list       what is registered, addresses without their secrets
    rotate     makes a new secret for the address and prints that, for /setup/api: the address
               before works for 24 hours more
    remove     takes out what is registered for the org at Sync Sam

A token needs the scope webhooks, but for rotate, which calls nobody. Works on the project of
GOOGLE_CLOUD_PROJECT and its default database, or that of FIRESTORE_DATABASE; on the local cloud
where FIRESTORE_EMULATOR_HOST, SECRET_MANAGER_EMULATOR_HOST, KMS_EMULATOR_HOST and SECRETS_KEY are
set too (.local/stack.json has them), and LOOPBACK=allowed and PLAIN_SECRETS=allowed.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from deploy.manifest import DEFAULT_DATABASE
from deploy.sam.google import signed_in
from shared.bootstrap.clients import database
from shared.bootstrap.secrets import SecretSettings
from shared.clock import utc_now
from shared.errors import ConfigurationInvalid, OrgError, ProviderError, SecretsUnavailable
from shared.outbound.credentials import TokenCache
from shared.outbound.session import HttpSession
from shared.pos.config import LightspeedConfig, Location, with_secrets
from shared.pos.lightspeed.registration import WebhookRegistry
from shared.pos.lightspeed.webhooks import ADDRESS_PATH
from shared.pos.registry import open_lightspeed
from shared.services.admin.audit import Actor, record_action
from shared.services.webhook_secrets import PROVIDER, AddressSecrets
from shared.store import locations, webhook_signers
from shared.store.audit import Action
from shared.store.database import Conflict, Database

PROGRAM = "lightspeed_webhooks"
Say = Callable[[str], object]
OpenAccount = Callable[[Location], WebhookRegistry]

_SECRET = re.compile(rf"({re.escape(ADDRESS_PATH)}/[^/]+/)[^/?#]+")


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when it was done, 1 when it cannot be, 2 where it was asked for wrongly."""
    parser = _parser()
    given = parser.parse_args(arguments)
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    if not project:
        print("GOOGLE_CLOUD_PROJECT is not set.", file=sys.stderr)
        return 2
    if given.what in ("register", "rotate") and not is_web_address(given.url):
        parser.error("--url is the web address of Sync Sam's webhooks, as in https://HOST")
    settings = SecretSettings(
        google_cloud_project=project,
        firestore_database=os.environ.get("FIRESTORE_DATABASE", DEFAULT_DATABASE),
    )
    store = database(settings)
    resolver = settings.resolver()
    http, tokens = HttpSession(destinations=settings.destinations), TokenCache(utc_now)
    replaced = settings.rotating(store)

    def open_account(location: Location) -> WebhookRegistry:
        resolved = with_secrets(location, resolver)
        config = resolved.pos_config
        assert isinstance(config, LightspeedConfig)
        api = open_lightspeed(resolved, config, http, tokens, utc_now, replaced)
        return WebhookRegistry(api)

    secrets = AddressSecrets(store, resolver, utc_now, _actor())
    command = LightspeedWebhooks(store, secrets, open_account, print)
    try:
        command(given.what, given.org, given.url.rstrip("/"))
    except Conflict:
        print(f"Somebody else is changing the locations of {given.org}: try again.")
        return 1
    except (OrgError, ProviderError, SecretsUnavailable) as error:
        print(error)
        return 1
    return 0


@dataclass(frozen=True, slots=True)
class LightspeedWebhooks:
    """The command. ``say`` prints a line."""

    database: Database
    secrets: AddressSecrets
    open_account: OpenAccount
    say: Say

    def __call__(self, what: str, org_id: str, url: str = "") -> None:
        """Do ``what`` for an org; ``url`` is that of Sync Sam's webhooks, where it takes one.
        Raises OrgError, ProviderError and Conflict."""
        if what == "rotate":
            address = f"{url}{ADDRESS_PATH}/{org_id}"
            self.say("The new address, to be kept like a password:")
            self.say(f"{address}/{self.secrets.exchange(org_id).get_secret_value()}")
            self.say("The address before works for 24 hours more.")
            return
        for location in self._accounts(org_id):
            self.say(f"{location.name or location.id}:")
            registry = self.open_account(location)
            match what:
                case "register":
                    self._record("webhooks_registered", org_id, location)
                    self._register(registry, org_id, location, url)
                case "list":
                    self._list(registry, org_id)
                case "remove":
                    self._record("webhooks_removed", org_id, location)
                    self._tell("taken out", registry.remove(org_id))

    def _register(
        self, registry: WebhookRegistry, org_id: str, location: Location, url: str
    ) -> None:
        address = f"{url}{ADDRESS_PATH}/{org_id}"
        if not self._is_signed(org_id, location):
            address += f"/{self.secrets.current(org_id).get_secret_value()}"
        done = registry.register(org_id, address)
        self.say(f"  address: {without_secret(address)}")
        self._tell("registered", done.added)
        self._tell("was registered already", done.kept)
        self._tell("taken out", done.removed)

    def _record(self, action: Action, org_id: str, location: Location) -> None:
        secrets = self.secrets
        record_action(
            self.database,
            secrets.actor,
            action,
            org_id=org_id,
            target=location.id,
            now=secrets.clock(),
        )

    def _is_signed(self, org_id: str, location: Location) -> bool:
        """Whether Lightspeed signs what the account registers: an app does, not a person."""
        config = location.pos_config
        if isinstance(config, LightspeedConfig) and config.token.get_secret_value():
            return False
        signers = webhook_signers.of_org(self.database, PROVIDER, org_id)
        return any(each.id == location.id and each.app_secret for each in signers)

    def _list(self, registry: WebhookRegistry, org_id: str) -> None:
        for each in sorted(registry.all(), key=lambda found: (found.kind, found.url)):
            whose = "ours" if each.is_of(org_id) else "not ours"
            state = whose if each.active else f"{whose}, inactive"
            self.say(f"  {each.kind}: {without_secret(each.url)} ({state})")

    def _tell(self, what: str, kinds: Sequence[str]) -> None:
        if kinds:
            self.say(f"  {what}: {', '.join(kinds)}")

    def _accounts(self, org_id: str) -> list[Location]:
        """The first location of each of the org's Lightspeed accounts."""
        first: dict[object, Location] = {}
        for location in locations.configured(self.database, org_id).of(PROVIDER):
            if isinstance(location.pos_config, LightspeedConfig):
                first.setdefault(location.pos_config.account_key, location)
        if not first:
            raise ConfigurationInvalid(f"org {org_id} has no active Lightspeed location")
        return list(first.values())


def _actor() -> Actor:
    """Who the audit log says has done it: in a project with the account that is signed in. Raises
    NotAnswered where Google does not say."""
    local = os.environ.get("FIRESTORE_EMULATOR_HOST")
    return Actor(PROGRAM if local else f"{PROGRAM}:{signed_in()}")


def without_secret(url: str) -> str:
    """An address as it may be shown."""
    return _SECRET.sub(r"\1…", url)


def is_web_address(url: str) -> bool:
    """Whether webhooks can be sent there: over https, or on this machine."""
    try:
        parts = urlsplit(url)
        more = parts.username or parts.password or parts.query or parts.fragment
        local = parts.hostname in ("127.0.0.1", "localhost")
        return (
            bool(parts.hostname)
            and not more
            and parts.scheme in (("https", "http") if local else ("https",))
        )
    except ValueError:
        return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.lightspeed_webhooks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("register", "list", "rotate", "remove"))
    parser.add_argument("--org", metavar="ORG", required=True)
    parser.add_argument("--url", metavar="URL", default="", help="where Sync Sam is to be reached")
    return parser


if __name__ == "__main__":
    sys.exit(main())
