"""Whose a webhook is: the org whose secret made the signature, or stands in the address.

A secret is ``posConfig.webhookSecret`` of an active location at the provider, or that of the app
that the POS signs for. Where a location has none, the provider's fallback secret is its own. The
org may be named beside the body; else the places that the body names are looked up, and only where
none of their secrets fits, all are tried.

``webhookSecret`` may hold two secrets of 32 characters or more with a blank between, while they are
exchanged: the new one, then the old one.

Forged webhooks cost a bounded number of reads: what is looked up is cached, as is that there is
none; look-ups for bodies that nothing has proven share an allowance, and beyond it the org is found
among all secrets, which are read once in KNOWN_SECONDS.
"""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import NamedTuple

import structlog
from pydantic import SecretStr

from shared.cache import ExpiringCache
from shared.clock import Clock, utc_now
from shared.domain.org_secrets import SecretPlace
from shared.errors import ConfigurationInvalid, Owner, RequestRefused
from shared.outbound.credentials import PREFIX, SecretResolver
from shared.outbound.sealing import SEALED
from shared.store import webhook_signers
from shared.store.database import Database
from shared.store.webhook_signers import WebhookSigner

LOOK_UPS_KEPT = 10_000
KEPT_SECONDS = 60.0
KNOWN_SECONDS = 300.0
READS_ALLOWED = 600
"""Locations found, or looked for in vain, in ALLOWANCE_SECONDS for webhooks that may be forged."""
ALLOWANCE_SECONDS = 60.0
MOST_PLACES = 3
"""Places named by one body that are looked up."""
MOST_AT_PLACE = 100
"""Locations that webhooks call the same; where there are more it says little, and all secrets are
tried."""
MOST_KNOWN = 20_000
"""Active locations that are read for their secrets."""
MOST_REFERENCES = 50
"""Secrets sealed or kept elsewhere among all that are tried: each is a call to open it."""
FEW = 50
"""Active locations among which the only org without a secret of its own is looked for."""
MOST_HASHED = 64_000_000
"""Bytes hashed to try all secrets on one body: a tenth of a second or so."""
ORGS_LOGGED = 10
OLD_COUNTS = timedelta(hours=24)
"""For how long the old secret counts beside the new one after an exchange by command."""

# Whose turn it is where the org is not clear: for the log.
FALLBACK_UNCLEAR = Owner.US, "set posConfig.{place}, or a webhookSecret for each org"
SHARED_UNCLEAR = Owner.ORG, "set another webhookSecret for each org, or posConfig.{place}"

Fits = Callable[[SecretStr], bool]
"""Whether a secret made the signature, found in constant time."""
PlacesIn = Callable[[bytes], Sequence[str]]
"""What a body calls the locations or accounts it is about (webhook_signers.PLACE); none for a body
that cannot be read."""

_EXCHANGED = re.compile(r"([A-Za-z0-9_-]{32,200}) ([A-Za-z0-9_-]{32,200})")

# Compared where there is no secret, so that the duration does not reveal which orgs exist.
_NOBODY = SecretStr("no org has this secret")

log = structlog.get_logger(__name__)


class OrgUnclear(RequestRefused):
    """The signature is right, but it may be that of several orgs, or of none that is known."""

    code = "org_unclear"
    status = 409


@dataclass(frozen=True, slots=True)
class Sender:
    """An active location with the text of its secrets: ``own`` from ``webhookSecret``, and those of
    apps. Both empty for one that the fallback signs for."""

    org_id: str
    place: str
    own: tuple[SecretStr, ...] = field(default=(), repr=False)
    of_apps: tuple[SecretStr, ...] = field(default=(), repr=False)

    @property
    def signing(self) -> tuple[SecretStr, ...]:
        """Those that signatures are made with."""
        return self.own + self.of_apps


KnownSecret = tuple[SecretStr, Sequence[Sender]]
"""A secret and the locations that have it."""


class WebhookSenders:
    """Finds the org of each webhook of one provider. Without ``places_in`` a body names no
    place."""

    def __init__(
        self,
        provider: str,
        database: Database,
        resolver: SecretResolver,
        *,
        fallback: SecretStr | None = None,
        places_in: PlacesIn = lambda body: (),
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider = provider
        self._database = database
        self._resolver = resolver
        self._fallback = fallback or None  # with an empty secret anybody could sign
        self._places_in = places_in
        self._clock = clock
        self._kept = ExpiringCache[tuple[str, str], Sequence[Sender]](LOOK_UPS_KEPT, monotonic)
        self._known = ExpiringCache[str, Sequence[KnownSecret]](1, monotonic)
        self._reading = Lock()
        self._allowance = _Allowance(monotonic)

    def __call__(self, org_id: str | None, body: bytes, fits: Fits) -> str | None:
        """Id of the webhook's org: ``org_id`` where it is given and has a secret that fits. None
        where no secret fits. Raises OrgUnclear."""
        by_fallback = self._fallback is not None and fits(self._fallback)
        if org_id is not None:
            theirs = self._of_org(org_id, proven=by_fallback)
            return org_id if _signing(theirs, fits, by_fallback) else None
        places = list(dict.fromkeys(self._places_in(body)))[:MOST_PLACES]
        at_places = [s for place in places for s in self._at(place, proven=by_fallback)]
        found = _signing(at_places, fits, by_fallback)
        if not found and by_fallback:
            found = _signing(self._if_few(placed=bool(places)), fits, by_fallback)
        elif not found:
            found = list(self._by_secret(body, fits))
        return self._only_org(found, places, by_fallback)

    def knows(self, org_id: str, fits: Fits) -> bool:
        """Whether a secret of the org's own fits, not one of an app: for what is not signed."""
        own = [secret for sender in self._of_org(org_id, proven=False) for secret in sender.own]
        if not own:
            fits(_NOBODY)
            return False
        # All are compared, in constant time: the duration reveals nothing.
        return any([*map(fits, own)])

    def _only_org(
        self, found: Sequence[Sender], places: Sequence[str], by_fallback: bool
    ) -> str | None:
        here = {sender.org_id for sender in found if sender.place in places}
        orgs = here or {sender.org_id for sender in found}
        if len(orgs) == 1:
            return orgs.pop()
        if not orgs and not by_fallback:
            return None
        owner, to_do = FALLBACK_UNCLEAR if by_fallback else SHARED_UNCLEAR
        log.warning(
            "webhook_org_unclear",
            provider=self.provider,
            owner=owner,
            orgs=len(orgs),
            org_ids=sorted(orgs)[:ORGS_LOGGED],
            places=places,
            to_do=to_do.format(place=webhook_signers.PLACE[self.provider]),
        )
        raise OrgUnclear(
            "the signature does not say which org this is about: name the org in the address, or"
            " its location in the body"
        )

    def _of_org(self, org_id: str, *, proven: bool) -> Sequence[Sender]:
        found = self._look_up(
            ("org", org_id),
            lambda: webhook_signers.of_org(self._database, self.provider, org_id),
            proven,
        )
        if found is None:
            known = self._known_secrets()
            return [s for _, senders in known for s in senders if s.org_id == org_id]
        return found

    def _at(self, place: str, *, proven: bool) -> Sequence[Sender]:
        found = self._look_up(
            ("place", place),
            lambda: webhook_signers.at_place(self._database, self.provider, place, MOST_AT_PLACE),
            proven,
        )
        return found or ()

    def _look_up(
        self, key: tuple[str, str], read: Callable[[], Sequence[WebhookSigner]], proven: bool
    ) -> Sequence[Sender] | None:
        """What is cached or read, the secrets resolved; None beyond the allowance."""
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        if not proven and not self._allowance.left:
            return None
        found = read()
        if not proven:
            self._allowance.spend(max(1, len(found)))
        return self._kept.put(key, KEPT_SECONDS, [*filter(None, map(self._resolved, found))])

    def _by_secret(self, body: bytes, fits: Fits) -> Iterator[Sender]:
        known = self._known_secrets()
        if len(known) * len(body) > MOST_HASHED:
            log.warning("webhook_secrets_not_tried", secrets=len(known), body_bytes=len(body))
            return
        # All are tried, in constant time: the duration reveals nothing.
        matches = [senders for secret, senders in known if fits(secret)]
        for senders in matches:
            yield from senders

    def _known_secrets(self) -> Sequence[KnownSecret]:
        """All secrets that active locations have of their own."""
        kept = self._known.get(self.provider)
        if kept is None:
            with self._reading:  # those who need them at once read them once
                kept = self._known.get_or(self.provider, KNOWN_SECONDS, self._read_known)
        return kept

    def _read_known(self) -> Sequence[KnownSecret]:
        found = webhook_signers.active(self._database, self.provider, MOST_KNOWN)
        stored = (_Stored(s.org_id, t) for s in found for t in (s.secret, s.app_secret) if t)
        left_out = [each for each in dict.fromkeys(stored) if each.is_reference][MOST_REFERENCES:]
        log.info(
            "webhook_secrets_read",
            provider=self.provider,
            locations=len(found),
            left_out=len(left_out),
        )
        known = defaultdict[str, list[Sender]](list)
        resolved: dict[_Stored, SecretStr | None] = dict.fromkeys(left_out)
        for sender in filter(None, (self._resolved(signer, resolved) for signer in found)):
            for secret in sender.signing:
                known[secret.get_secret_value()].append(sender)
        return [(SecretStr(text), senders) for text, senders in known.items()]

    def _if_few(self, *, placed: bool) -> list[Sender]:
        """The active locations, where these are few. Where the body names a place (``placed``) that
        no settings do, the fallback signs only for those that leave theirs to the POS."""
        found = self._look_up(
            ("few", ""),
            lambda: webhook_signers.active_if_few(self._database, self.provider, FEW),
            proven=True,
        )
        return [s for s in found or () if s.signing or not (placed and s.place)]

    def _resolved(
        self, signer: WebhookSigner, known: dict["_Stored", SecretStr | None] | None = None
    ) -> Sender | None:
        """The location with the text of its secrets, None where it has some and none is readable.
        What is found out of a reference is added to ``known``."""
        known = {} if known is None else known
        own = self._text_of(signer, "webhookSecret", signer.secret, known)
        of_app = self._text_of(signer, "clientSecret", signer.app_secret, known)
        if not (own or of_app) and (signer.secret or signer.app_secret):
            return None
        return Sender(
            signer.org_id,
            signer.place,
            _valid(own, signer.rotated_at, self._clock()) if own else (),
            (of_app,) if of_app else (),
        )

    def _text_of(
        self,
        signer: WebhookSigner,
        name: str,
        stored: SecretStr | None,
        known: dict["_Stored", SecretStr | None],
    ) -> SecretStr | None:
        """The text of a secret; None where there is none, or it is unreadable or empty."""
        if stored is None:
            return None
        key = _Stored(signer.org_id, stored)
        if key not in known:
            try:
                found = self._resolver.text_of(
                    stored, SecretPlace(signer.org_id, f"posConfig.{name}", signer.id)
                )
            except ConfigurationInvalid as error:
                log.warning("webhook_secret_unreadable", org_id=signer.org_id, reason=str(error))
                known[key] = None
            else:
                known[key] = found if found.get_secret_value() else None
        return known[key]


class _Stored(NamedTuple):
    """A secret as an org's settings hold it: a reference means something within the org only."""

    org_id: str
    text: SecretStr

    @property
    def is_reference(self) -> bool:
        return self.text.get_secret_value().startswith((PREFIX, SEALED))


def _valid(secret: SecretStr, rotated_at: datetime | None, now: datetime) -> tuple[SecretStr, ...]:
    """The secrets that a text holds: one, or two while they are exchanged."""
    exchanged = _EXCHANGED.fullmatch(secret.get_secret_value())
    if exchanged is None:
        return (secret,)
    new, old = (SecretStr(text) for text in exchanged.groups())
    over = rotated_at is not None and now - rotated_at > OLD_COUNTS
    return (new,) if over else (new, old)


def _signing(senders: Sequence[Sender], fits: Fits, by_fallback: bool) -> list[Sender]:
    """Those whose secret made the signature."""
    if not senders:
        fits(_NOBODY)
    return [
        sender
        for sender in senders
        if (any([*map(fits, sender.signing)]) if sender.signing else by_fallback)
    ]


class _Allowance:
    """READS_ALLOWED in each ALLOWANCE_SECONDS. Those who spend at once may exceed it by what each
    of them reads."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._ends_at = 0.0
        self._left = 0

    @property
    def left(self) -> bool:
        """Whether there is any left."""
        with self._lock:
            self._renew()
            return self._left > 0

    def spend(self, reads: int) -> None:
        """Count so many reads."""
        with self._lock:
            self._renew()
            if 0 < self._left <= reads:
                log.warning("webhook_look_ups_used_up", allowed=READS_ALLOWED)
            self._left -= reads

    def _renew(self) -> None:
        now = self._monotonic()
        if now >= self._ends_at:
            self._left, self._ends_at = READS_ALLOWED, now + ALLOWANCE_SECONDS
