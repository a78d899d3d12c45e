"""Whose a signed webhook is: the org whose secret made the signature.

A secret is ``posConfig.webhookSecret`` of an active location at the provider. Where a location has
none, the provider's fallback secret is its own. The org may be named beside the body; else the
body's locations are looked up, and only where none of their secrets fits, all are tried.

Forged webhooks cost a bounded number of reads: what is looked up is cached, as is that there is
none; look-ups for bodies that nothing has proven share an allowance, and beyond it the org is found
among all secrets, which are read once in KNOWN_SECONDS.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Lock

import structlog
from pydantic import SecretStr

from shared.cache import ExpiringCache
from shared.errors import ConfigurationInvalid, Owner, RequestRefused
from shared.outbound.credentials import PREFIX, SecretResolver
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
"""Locations of one body that are looked up."""
MOST_AT_PLACE = 100
"""Locations with one id of the POS; where there are more it says little, and all secrets are tried.
"""
MOST_KNOWN = 20_000
"""Active locations that are read for their secrets."""
MOST_REFERENCES = 50
"""``secret:NAME`` among all secrets that are tried: each is a call to Secret Manager."""
FEW = 50
"""Active locations among which the only org without a secret of its own is looked for."""
MOST_HASHED = 64_000_000
"""Bytes hashed to try all secrets on one body: a tenth of a second or so."""
ORGS_LOGGED = 10

# Whose turn it is where the org is not clear: for the log.
FALLBACK_UNCLEAR = Owner.US, "set posConfig.locationId, or a webhookSecret for each org"
SHARED_UNCLEAR = Owner.ORG, "set another webhookSecret for each org, or posConfig.locationId"

Fits = Callable[[SecretStr], bool]
"""Whether a secret made the signature, found in constant time."""
PlacesIn = Callable[[bytes], Sequence[str]]
"""The POS's ids of the locations that a body names; none for a body that cannot be read."""
KnownSecret = tuple[SecretStr, Sequence[WebhookSigner]]
"""A secret and the locations that have it."""

# Compared where there is no secret, so that the duration does not reveal which orgs exist.
_NOBODY = SecretStr("no org has this secret")

log = structlog.get_logger(__name__)


class OrgUnclear(RequestRefused):
    """The signature is right, but it may be that of several orgs, or of none that is known."""

    code = "org_unclear"
    status = 409


class WebhookSenders:
    """Finds the org of each webhook of one provider. Without ``places_in`` a body names no
    location."""

    def __init__(
        self,
        provider: str,
        database: Database,
        resolver: SecretResolver,
        *,
        fallback: SecretStr | None = None,
        places_in: PlacesIn = lambda body: (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider = provider
        self._database = database
        self._resolver = resolver
        self._fallback = fallback or None  # with an empty secret anybody could sign
        self._places_in = places_in
        self._kept = ExpiringCache[tuple[str, str], Sequence[WebhookSigner]](
            LOOK_UPS_KEPT, monotonic
        )
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

    def _only_org(
        self, found: Sequence[WebhookSigner], places: Sequence[str], by_fallback: bool
    ) -> str | None:
        here = {signer.org_id for signer in found if signer.pos_location_id in places}
        orgs = here or {signer.org_id for signer in found}
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
            pos_location_ids=places,
            to_do=to_do,
        )
        raise OrgUnclear(
            "the signature does not say which org this is about: name the org in the address, or"
            " its location in the body"
        )

    def _of_org(self, org_id: str, *, proven: bool) -> Sequence[WebhookSigner]:
        found = self._look_up(
            ("org", org_id),
            lambda: webhook_signers.of_org(self._database, self.provider, org_id),
            proven,
        )
        if found is None:
            known = self._known_secrets()
            return [s for _, signers in known for s in signers if s.org_id == org_id]
        return found

    def _at(self, place: str, *, proven: bool) -> Sequence[WebhookSigner]:
        found = self._look_up(
            ("place", place),
            lambda: webhook_signers.at_location(
                self._database, self.provider, place, MOST_AT_PLACE
            ),
            proven,
        )
        return found or ()

    def _look_up(
        self, key: tuple[str, str], read: Callable[[], Sequence[WebhookSigner]], proven: bool
    ) -> Sequence[WebhookSigner] | None:
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

    def _by_secret(self, body: bytes, fits: Fits) -> Iterator[WebhookSigner]:
        known = self._known_secrets()
        if len(known) * len(body) > MOST_HASHED:
            log.warning("webhook_secrets_not_tried", secrets=len(known), body_bytes=len(body))
            return
        # All are tried, in constant time: the duration reveals nothing.
        matches = [signers for secret, signers in known if fits(secret)]
        for signers in matches:
            yield from signers

    def _known_secrets(self) -> Sequence[KnownSecret]:
        """All secrets that active locations have of their own."""
        kept = self._known.get(self.provider)
        if kept is None:
            with self._reading:  # those who need them at once read them once
                kept = self._known.get_or(self.provider, KNOWN_SECONDS, self._read_known)
        return kept

    def _read_known(self) -> Sequence[KnownSecret]:
        groups = defaultdict[str, list[WebhookSigner]](list)
        found = webhook_signers.active(self._database, self.provider, MOST_KNOWN)
        for signer in found:
            if signer.secret is not None:
                groups[signer.secret.get_secret_value()].append(signer)
        references = [stored for stored in groups if stored.startswith(PREFIX)]
        for stored in references[MOST_REFERENCES:]:
            del groups[stored]
        left_out = max(0, len(references) - MOST_REFERENCES)
        log.info(
            "webhook_secrets_read",
            provider=self.provider,
            locations=len(found),
            left_out=left_out,
        )
        known = defaultdict[str, list[WebhookSigner]](list)
        for group in groups.values():
            if (first := self._resolved(group[0])) and first.secret:
                same = [replace(signer, secret=first.secret) for signer in group]
                known[first.secret.get_secret_value()] += same
        return [(SecretStr(text), signers) for text, signers in known.items()]

    def _if_few(self, *, placed: bool) -> list[WebhookSigner]:
        """The active locations, where these are few. Where the body names a location (``placed``)
        that no settings do, the fallback signs only for those whose id is left to the POS."""
        found = self._look_up(
            ("few", ""),
            lambda: webhook_signers.active_if_few(self._database, self.provider, FEW),
            proven=True,
        )
        return [s for s in found or () if s.secret or not (placed and s.pos_location_id)]

    def _resolved(self, signer: WebhookSigner) -> WebhookSigner | None:
        """The location with the text of its secret; None where that is unreadable or empty."""
        if signer.secret is None:
            return signer
        where = f"posConfig.webhookSecret of location {signer.id}"
        try:
            secret = self._resolver.text_of(signer.secret, where)
        except ConfigurationInvalid as error:
            log.warning("webhook_secret_unreadable", org_id=signer.org_id, reason=str(error))
            return None
        return replace(signer, secret=secret) if secret.get_secret_value() else None


def _signing(
    signers: Sequence[WebhookSigner], fits: Fits, by_fallback: bool
) -> list[WebhookSigner]:
    """Those whose secret made the signature."""
    if not signers:
        fits(_NOBODY)
    return [
        signer
        for signer in signers
        if (fits(signer.secret) if signer.secret is not None else by_fallback)
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
