"""Whatever one org writes into its settings, no other's secret is sent or told, and nothing is sent
to a host that is not its provider's.

A case is one location, or one account at Alpine IQ, with hostile settings. FUZZ_CASES=5000
(``make fuzz``) is the long form.
"""

import os
import re
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from posixpath import normpath
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from shared.clock import utc_now
from shared.domain.ids import is_document_id
from shared.domain.org_secrets import SecretPlace, name_prefix
from shared.errors import SyncSamError
from shared.loyalty.alpine_iq import AlpineIqSettings
from shared.outbound.credentials import SecretResolver, TokenCache
from shared.outbound.destinations import Destinations
from shared.outbound.rotating import RotatingSecrets, SealedTokens
from shared.outbound.sealing import Sealer
from shared.outbound.session import HttpSession, HttpSettings
from shared.pos.config import SECRET_FIELDS, SignIn, read_location, with_fallback, with_secrets
from shared.pos.registry import open_account
from tests.sealing import memory_sealer
from tests.unit.pos.fakes import Canned, FakeTransport, Sent

CASES = int(os.environ.get("FUZZ_CASES", "300"))
MARKER = "Zephyrine"
"""In every secret that is not of the org which the settings are of."""
OWN = "own-s3cret"
LOCATION, THEIR_LOCATION = "main-street", "side-street"
RESOURCE = re.compile(r"projects/demo/secrets/([A-Za-z0-9_-]+)/versions/(latest|[0-9]+)")
HOSTS = re.compile(
    r"app\.alleaves\.com|lab\.alpineiq\.com|[a-z0-9-]+\.(retail\.lightspeed\.app|vendhq\.com)"
)

ORG_IDS = st.one_of(
    st.sampled_from(["a", "a-b", "a-b-c", "A", "org_a", "x__a", "é", "a b", "pos-a", "-"]),
    st.sampled_from(
        ["org_a-", "org_a-b", "ORG_A", "org_a.", "org_a%2D", "org_\u0430", "org_a_b", "\uff41"]
    ),
    st.text("ab-_x", min_size=1, max_size=6),
    st.text(min_size=1, max_size=12),
).filter(is_document_id)
ALIKE: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [
        *[lambda org, each=each: org + each for each in ("b", "_b", "-b", "-", ".", " ", "%2D")],
        *[lambda org, each=each: each + org for each in ("x__", "pos-", "org_", "_")],
        *(str.upper, str.lower, str.swapcase),
        lambda org: org.replace("_", "-"),
        lambda org: f"x__{sha256(org.encode()).hexdigest()}",
    ]
)
"""The id of another org, made of one's id so that the names of their secrets look alike."""
ENDINGS = st.sampled_from(["password", "b-password", "refresh-token", "c", "webhook"])


PAIRS = st.one_of(
    st.tuples(ORG_IDS, ORG_IDS),
    st.builds(lambda org, alike: (org, alike(org)), ORG_IDS, ALIKE),
    st.builds(lambda org, alike: (alike(org), org), ORG_IDS, ALIKE),
).filter(lambda pair: all(map(is_document_id, pair)))
"""Two orgs: the one with hostile settings, and the other."""
EVIL = "https://evil.com/collect"
REDIRECTS = (301, 302, 303, 307, 308)


@dataclass
class Deployment:
    """The secrets of two orgs and of the deployment, and what was sent to the outside, which
    answers with ``status``: redirects lead to another host."""

    mine: str
    other: str
    ending: str
    status: int = 500

    def __post_init__(self) -> None:
        self.sealer: Sealer = memory_sealer()
        own, theirs = name_prefix(self.mine), name_prefix(self.other)
        alike = f"pos-{self.other}-{self.ending}"
        self.secrets = {
            # Of "a" and "a-b" a name that reads like one of the second is the first one's.
            alike: OWN if alike.startswith(own) else f"{MARKER}-of-other",
            theirs + self.ending: f"{MARKER}-of-other",
            own + self.ending: OWN,
            "cron-secret": f"{MARKER}-of-deployment",
        }
        self.kept: list[str] = []
        self.transport = FakeTransport(self._answer)
        self.http = HttpSession(
            HttpSettings(attempts=1), Destinations(), transport=self.transport, sleep=lambda _: None
        )
        self.resolver = SecretResolver(self._read, "demo", sealer=self.sealer)
        self.rotating = RotatingSecrets(
            self._read, self._add, "demo", SealedTokens(self.sealer_newest, self._keep)
        )

    def sealed_for(self, org_id: str, field: str, location: str, text: str) -> str:
        place = SecretPlace(org_id, field, location)
        return self.sealer.seal(SecretStr(text), place).get_secret_value()

    def sealer_newest(self, given: SecretStr, place: SecretPlace) -> str:
        return self.sealer.open(given, place)

    def _keep(self, given: SecretStr, place: SecretPlace, text: str) -> None:
        self.kept.append(f"{place.org_id}/{place}")

    def _read(self, resource: str) -> str:
        found = RESOURCE.fullmatch(normpath(resource))  # as lenient as a server could be
        if found is None or found[1] not in self.secrets:
            raise LookupError("not found")
        return self.secrets[found[1]]

    def _add(self, resource: str, text: str) -> None:
        self.kept.append(resource)

    def _answer(self, sent: Sent) -> Canned:
        return Canned(self.status, b"{}", {"Location": EVIL})


Draw = Callable[[st.SearchStrategy[Any]], Any]


SPELLINGS: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [
        *(str.upper, str.title, str.swapcase),
        *[
            lambda name, each=each: name + each
            for each in (".", " ", "\n", "%00", "/", "-", "\u200b")
        ],
        *[lambda name, each=each: each + name for each in (" ", "./", "%2e/", "/", "\ufeff")],
        *[
            lambda name, each=each: name.replace("-", each)
            for each in ("%2D", "%2d", "\u2010", "\uff0d", "--", "_", "/", ":")
        ],
        lambda name: name.replace("o", "\u043e"),
        lambda name: name.replace("s", "\uff53"),
    ]
)
"""How else one might try to write a name."""


def named(world: Deployment, draw: Draw) -> str:
    """A secret that an org might like to have: a reference, or what stands sealed elsewhere. It is
    odd in one way at the most."""
    theirs = name_prefix(world.other) + world.ending
    name = draw(st.sampled_from([theirs, theirs, *world.secrets]))
    versions = st.sampled_from(["/versions/latest", "/versions/1", "/versions/../x"])
    paths = ["../secrets/", f"{name_prefix(world.mine)}/../", "projects/demo/secrets/"]
    guessed = st.builds(str.__add__, st.sampled_from(["pos-", ""]), ORG_IDS | st.text(max_size=12))
    field = draw(st.sampled_from(["posConfig.password", "posConfig.token", "alpineIq.apiKey"]))
    place = draw(st.sampled_from([LOCATION, THEIR_LOCATION, ""]))
    match draw(st.integers(0, 9)):
        case 0 | 1 | 2:
            return f"secret:{name}"
        case 3:
            return f"secret:{name}{draw(versions)}"
        case 4:
            return f"secret:{draw(st.sampled_from(paths))}{name}"
        case 5:
            return f"secret:{draw(guessed)}"
        case 6:
            return f"sealed:{name}"
        case 7 | 8:
            return world.sealed_for(world.other, field, place, f"{MARKER}-sealed")
    return f"secret:{draw(SPELLINGS)(name)}"


def own(world: Deployment, field: str, location: str) -> str:
    """The org's own secret for a place."""
    return world.sealed_for(world.mine, field, location, OWN)


ADDRESSES = st.one_of(
    st.none(),
    st.sampled_from(
        [
            *("https://app.alleaves.com/api", "https://APP.alleaves.com:443/api/"),
            *("https://harbor.retail.lightspeed.app", "https://x.vendhq.com"),
            *(
                "http://app.alleaves.com/api",
                "https://app.alleaves.com.evil.com",
                "https://evil.com",
            ),
            *("https://app.alleaves.com@evil.com", "https://evil.com#.retail.lightspeed.app"),
            *(
                "https://evil.com\\.retail.lightspeed.app",
                "https://evil.com/.retail.lightspeed.app",
            ),
            *("https://a.b.retail.lightspeed.app", "https://.retail.lightspeed.app"),
            *("https://evil.com\t.retail.lightspeed.app", "https://app.alleaves.com:8443"),
            *("http://169.254.169.254/", "https://[::ffff:a9fe:a9fe]", "https://localhost"),
            *(
                "https://app.alleaves.com.",
                "https://app。alleaves。com",
                "//evil.com",
                "file:///etc",
            ),
            *(
                "https://app.alleaves.com:443@evil.com",
                "https://harbor.retail.lightspeed.app:pw@[::1]",
            ),
            *("https://2130706433/", "https://0x7f000001", "https://0177.0.0.1", "https://127.1"),
            *("https://[::1]", "https://[fe80::1%25eth0]", "https://[::ffff:127.0.0.1]:443"),
            *("https://169.254.169.254.nip.io", "https://localtest.me", "https://x.localhost"),
            *("https://app.alleaves.com%2eevil.com", "https://%61pp.alleaves.com.evil.com"),
            *("https://evil.com%23.vendhq.com", "https://x.vendhq.com%00.evil.com"),
            *("https://x.vendhq.com.", "https://.x.vendhq.com", "https://x..vendhq.com"),
            *(
                "https://app.alleaves.com:0",
                "https://app.alleaves.com:22",
                "https://x.vendhq.com:x",
            ),
            *("https:/\\evil.com", "https:evil.com", "https:///evil.com", "HTTPS://evil.com"),
            *(
                "https://ⓐpp.alleaves.com",
                "https://app.alleaves.com\u3002evil.com",
                "https://xn--pp-1ka.com",
            ),
        ]
    ),
    st.sampled_from(
        [
            *("https://evilp.alleaves.com", "https://xapp.alleaves.com", "https://alleaves.com"),
            *("https://app.alleaves.com.lightspeed.app", "https://a.b.vendhq.com"),
            *("https://evilvendhq.com", "https://evilretail.lightspeed.app", "https://vendhq.com"),
        ]
    ),
    st.text(max_size=20).map(lambda text: f"https://{text}"),
    st.text(".:/@#?\\[]%evil", max_size=12).map(lambda t: f"https://app.alleaves.com{t}"),
    st.text(".:/@#?\\[]%evil", max_size=12).map(lambda t: f"https://{t}.retail.lightspeed.app"),
)
PREFIXES = st.one_of(
    st.just("harbor"),
    st.sampled_from(["evil.com#", "evil.com/", "a.b", "-", ""]),
    st.text(max_size=8),
)


@pytest.mark.timeout(120 + CASES)
@settings(max_examples=CASES)
@given(pair=PAIRS, ending=ENDINGS, data=st.data())
def test_nothing_of_another_org_is_sent_or_told(
    pair: tuple[str, str], ending: str, data: st.DataObject
) -> None:
    # Given two orgs with secrets of their own, and hostile settings of one of them
    mine, other = pair
    assume(mine != other)
    status = data.draw(st.sampled_from([500, 500, *REDIRECTS]))
    world = Deployment(mine, other, ending, status)
    provider = data.draw(st.sampled_from(["alleaves", "lightspeed", "alpineIq"]))
    # Hostile in one way at a time: else hardly any case would get as far as a call.
    secrets = data.draw(st.booleans())
    base_url = None if secrets else data.draw(ADDRESSES)
    told: list[str] = []

    # When the settings are used
    with capture_logs() as logs:
        try:
            if provider == "alpineIq":
                key = named(world, data.draw) if secrets else own(world, "alpineIq.apiKey", "")
                _look_up(world, key, base_url)
            else:
                _sync(world, mine, _config(world, data.draw, provider, base_url, secrets))
        except (SyncSamError, ValidationError) as error:
            told.append("".join(traceback.format_exception(error)) if _is_ours(error) else "")

    # Then nobody else's secret is anywhere, and no host but the provider's was called
    for sent in world.transport.sent:
        assert MARKER not in f"{sent.url} {sent.headers} {sent.body}"
        assert HOSTS.fullmatch(urlsplit(sent.url).netloc.lower().removesuffix(":443")), sent.url
        assert sent.url.startswith("https://")
    assert MARKER not in f"{told} {logs}"
    assert not [place for place in world.kept if f"{other}/" in place and f"{mine}/" not in place]


def _config(
    world: Deployment, draw: Draw, provider: str, base_url: str | None, secrets: bool
) -> dict[str, Any]:
    """The POS settings: what signs in is the org's own, unless the secrets are what is hostile."""
    sign_in = {"alleaves": "password", "lightspeed": "token"}[provider]
    config: dict[str, Any] = {"provider": provider, "status": "active", "username": "me"}
    config |= {"clientId": "app", "domainPrefix": "harbor" if secrets else draw(PREFIXES)}
    if secrets:
        others = (*SECRET_FIELDS[provider], "webhookSecret")
        one = {draw(st.sampled_from(others))}
        hostile = draw(st.sampled_from([{sign_in}, {sign_in}, one, {*others}]))
        config |= {name: named(world, draw) for name in sorted(hostile)}
    config.setdefault(sign_in, own(world, f"posConfig.{sign_in}", LOCATION))
    return config | ({} if base_url is None else {"baseUrl": base_url})


def _is_ours(error: Exception) -> bool:
    return isinstance(error, SyncSamError)


def _sync(world: Deployment, org_id: str, config: dict[str, Any]) -> None:
    location = read_location(LOCATION, {"orgId": org_id, "posConfig": config})
    nobody = SignIn("", SecretStr(""), SecretStr(""))
    resolved = with_fallback(with_secrets(location, world.resolver), nobody, world.resolver)
    account = open_account(
        resolved, world.http, TokenCache(utc_now), utc_now, secrets=world.rotating
    )
    with suppress(StopIteration):
        next(iter(account.client.customers()))


def _look_up(world: Deployment, key: str, base_url: str | None) -> None:
    account = {"userId": "1", "apiKey": key or "x"}
    account |= {} if base_url is None else {"baseUrl": base_url}
    found = AlpineIqSettings.model_validate(account)
    found.open(world.mine, world.http, world.resolver, admit=lambda: None).look_up(
        "+12125550100", None
    )


def test_the_same_settings_with_the_orgs_own_secrets_do_sign_in() -> None:
    world = Deployment("a", "a-b", "password")
    config = {"provider": "alleaves", "status": "active", "username": "me"}
    for password in (
        f"secret:{name_prefix('a')}password",
        world.sealed_for("a", "posConfig.password", LOCATION, OWN),
    ):
        world.transport.sent.clear()
        with suppress(SyncSamError):
            _sync(world, "a", {**config, "password": password})

        assert world.transport.sent[0].body == {"username": "me", "password": OWN}
