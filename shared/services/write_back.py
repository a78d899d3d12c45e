"""Creating customers and orders at a POS, each at most once per idempotency key.

The POS itself has no such keys. So each call that creates something is sent once; if its outcome is
unknown, the next attempt under the same key first searches the POS for it. What was made is
committed together with a stored event that names it, as a webhook would, and asked for at once: if
that is prevented, the org's next run finds the event. Prices and stock are never written.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from shared.bus.publisher import Publisher
from shared.clock import Clock, Deadline, OutOfTime
from shared.domain.order_windows import DateWindow
from shared.domain.providers import ALLEAVES, Provider, label
from shared.domain.write_back import NewCustomer, NewOrder
from shared.errors import (
    ConfigurationInvalid,
    OrgError,
    ProviderBusy,
    ProviderError,
    ProviderRefused,
    ReplyUnreadable,
    RequestInvalid,
    RequestRefused,
    RetryLater,
)
from shared.pos.config import Location
from shared.pos.port import PosEvent, PosWriter
from shared.pos.registry import PosAccount
from shared.services.admin.audit import Actor, action_entry
from shared.services.sync.pos_locations import LOCATIONS_NAMED, active_locations
from shared.services.webhooks import request
from shared.store import pos_writes, webhook_events
from shared.store.audit import Action
from shared.store.database import Conflict, Database
from shared.store.pos_writes import Claim

ATTEMPT_SECONDS = 60.0
"""No further call is begun after this: what is left is done when the same is asked for again."""
SEARCHED_BACK = timedelta(days=2)
"""How far back the orders are searched for one that may have been created."""
EVENT = "write_back"
WRITABLE = ALLEAVES
"""The provider whose client can write."""

log = structlog.get_logger(__name__)


class OutcomeUnknown(ProviderError):
    """The POS may have done what it was asked. The message says what finds out."""

    code = "outcome_unknown"


class OrderDiffers(ProviderError):
    """The order at the POS has other lines than requested."""

    code = "order_differs"


class RefusedByPos(RequestRefused):
    """The POS knows no such record, or does not take these values."""

    code = "refused_by_pos"
    status = 422


@dataclass(frozen=True, slots=True)
class WriteBack:
    """Writes to the account of one location under the caller's idempotency keys.

    Methods raise UnderWay while the same is being done, KeyReused for a key that was used for
    something else, RefusedByPos, and OrgError where the dispensary must act first. After another
    ProviderError or RetryLater the same may be asked again under the same key.
    """

    database: Database
    pos: PosWriter
    pos_sync: Publisher
    location: Location
    clock: Clock
    actor: Actor
    seconds: float = ATTEMPT_SECONDS

    @property
    def provider(self) -> Provider:
        """Name of the POS's provider."""
        return self.location.pos_config.provider

    @property
    def location_id(self) -> str:
        """The POS's own id of the location."""
        return self.location.pos_config.location_id

    def create_customer(self, key: str, customer: NewCustomer) -> str:
        """Create a customer; returns the POS's id."""

        def make(claim: Claim, deadline: Deadline) -> str:
            found = self.pos.find_customer(customer, deadline) if claim.doubtful else None
            return found or self.pos.create_customer(customer)

        return self._once(
            f"customer/{key}", repr(customer), make, _customer_changed, "pos_customer_created"
        )

    def submit_order(self, key: str, order: NewOrder) -> str:
        """Create an order, header first, then its lines; returns the POS's id. Raises OrderDiffers
        where the result has other lines than requested."""

        def make(claim: Claim, deadline: Deadline) -> str:
            order_id = claim.part or self._opened(claim, order, deadline)
            there = len(self.pos.placed(order_id).quantities)
            for number, line in enumerate(order.lines[there:], there + 1):
                deadline.check()
                try:
                    self.pos.add_line(order_id, line)
                except ProviderRefused as error:
                    says = f"{error} It stands there as order {order_id}, without line {number}"
                    raise RefusedByPos(f"{says} and those after it.") from None
            if self.pos.placed(order_id).quantities != tuple(x.quantity for x in order.lines):
                raise OrderDiffers(f"order {order_id} at the POS has other lines than asked for")
            return order_id

        return self._once(f"order/{key}", repr(order), make, _order_changed, "pos_order_created")

    def apply_discount(self, key: str, order_id: str, discount_id: str) -> None:
        """Apply one of the POS's discounts to one of its orders. Raises OutcomeUnknown where an
        earlier attempt may have done so and the POS does not say."""

        def make(claim: Claim, deadline: Deadline) -> str:
            if claim.doubtful:
                given = self.pos.placed(order_id).discount_ids
                if given is None:
                    raise OutcomeUnknown(f"see at the POS whether order {order_id} has it already")
                if discount_id in given:
                    return order_id
            self.pos.give_discount(order_id, discount_id)
            return order_id

        self._once(
            f"discount/{key}",
            f"{order_id}/{discount_id}",
            make,
            _order_changed,
            "pos_discount_applied",
        )

    def _opened(self, claim: Claim, order: NewOrder, deadline: Deadline) -> str:
        order_id, external_id = None, f"{self.location.org_id}/{claim.use}"
        if claim.doubtful:
            today = self.clock().date()
            window = DateWindow(today - SEARCHED_BACK, today + timedelta(days=1))
            try:
                order_id = self.pos.find_order(order, external_id, window, deadline)
            except ReplyUnreadable as error:
                raise OutcomeUnknown(f"{error} See there whether the order was made.") from None
        order_id = order_id or self.pos.open_order(order, external_id)
        pos_writes.update(self.database, claim, {"part": order_id})
        return order_id

    def _once(
        self,
        key: str,
        content: str,
        make: Callable[[Claim, Deadline], str],
        changed: Callable[[str], PosEvent],
        action: Action,
    ) -> str:
        org_id, content = self.location.org_id, f"{self.location.id} {content}"
        claim = pos_writes.claim(self.database, org_id, key, content=content, now=self.clock())
        if claim.result is not None:
            if webhook_events.is_waiting(self.database, org_id, claim.use):
                self._fetch(claim, changed(claim.result))
            return claim.result
        try:
            made = make(claim, Deadline(self.seconds))
        except Exception as error:
            refused = isinstance(error, ProviderRefused | RefusedByPos | OrgError)
            with suppress(Conflict):
                pos_writes.release(
                    self.database, claim, self.clock(), doubtful=claim.doubtful or not refused
                )
            explained = _for_caller(error)
            if explained is error:
                raise
            raise explained from error
        event, now = changed(made), self.clock()
        stored = webhook_events.create(org_id, claim.use, self.provider, event, b"", now)
        entry = action_entry(self.actor, action, org_id=org_id, target=made, now=now)
        pos_writes.complete(self.database, claim, made, [stored, entry])
        log.info("pos_write_done")
        self._fetch(claim, event)
        return made

    def _fetch(self, claim: Claim, event: PosEvent) -> None:
        """Have the record fetched and stored, whether the org is paused or not: the POS has just
        accepted its credentials."""
        message = request(self.location.org_id, claim.use, event, self.provider)
        try:
            self.pos_sync.publish([message.model_copy(update={"trigger": "manual"})])
        except Exception as error:
            # What was asked of the POS is done: the caller must not think that it failed.
            log.warning("pos_write_not_fetched", reason=type(error).__name__)


@dataclass(frozen=True, slots=True)
class OpenWriteBack:
    """Opens the account that an org's location stands for."""

    database: Database
    open_account: Callable[[Location], PosAccount]
    pos_sync: Publisher
    clock: Clock

    def __call__(self, org_id: str, location_id: str | None, actor: Actor) -> WriteBack:
        """The account of the location of that id, its document's or the POS's own; None is allowed
        where the org has one. Raises RequestInvalid where it is not clear which is meant, or that
        one is at a provider to which nothing is written, and ConfigurationInvalid."""
        location = _chosen(active_locations(self.database, org_id, WRITABLE), location_id)
        if not location.pos_config.location_id:
            raise ConfigurationInvalid(
                f"posConfig.locationId of location {location.id} is missing, and no sync has asked"
                " the POS for it so far: start one, or set it"
            )
        writer = self.open_account(location).writer
        if writer is None:
            raise RequestInvalid(
                f"locationId: Sync Sam makes nothing at {location.pos_config.provider}"
            )
        return WriteBack(self.database, writer, self.pos_sync, location, self.clock, actor)


def _chosen(locations: Sequence[Location], wanted: str | None) -> Location:
    """Raises RequestInvalid where ``wanted`` names none of them, or several, or nothing is written
    to the one."""
    if wanted is None:
        found = [each for each in locations if each.pos_config.provider == WRITABLE]
        found = found or list(locations)
    else:
        found = [each for each in locations if each.id == wanted]
        found = found or [x for x in locations if x.pos_config.location_id == wanted]
    if len(found) == 1:
        provider = found[0].pos_config.provider
        if provider != WRITABLE:
            raise RequestInvalid(
                f"locationId: the POS of location {found[0].id} is {label(provider)}: nothing is"
                f" written there, only at {label(WRITABLE)}"
            )
        return found[0]
    ids = [f"{each.id} ({each.pos_config.location_id})" for each in found or locations]
    listed = ", ".join(ids[:LOCATIONS_NAMED])
    if found:
        raise RequestInvalid(f"locationId: say which location is meant: {listed}")
    raise RequestInvalid(f"locationId: the org has no such active location, it has {listed}")


def _for_caller(error: Exception) -> Exception:
    """The error of a failed attempt, by who must act."""
    match error:
        case OutOfTime():
            return RetryLater("the time for this write is up: the rest is done at the next request")
        case ProviderRefused():
            return RefusedByPos(
                f"{error} See whether it has what is named, and takes these values."
            )
        case OutcomeUnknown() | OrderDiffers() | ProviderBusy():
            return error
        case ProviderError():
            return OutcomeUnknown(
                f"{str(error).rstrip('.')}. It may have been done all the same. Ask again with the"
                " same Idempotency-Key: the POS is then searched for it first."
            )
    return error


def _customer_changed(customer_id: str) -> PosEvent:
    return PosEvent(EVENT, customer_ids=(customer_id,))


def _order_changed(order_id: str) -> PosEvent:
    return PosEvent(EVENT, order_ids=(order_id,))
