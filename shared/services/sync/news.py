"""Telling an org of its new eCom orders, where it asks for that.

Whose turn it is to be told of is kept in the org's progress from the commit that stores the order;
that each address was told once, in ``notifications`` (store/notifications.py). The run has the org
meanwhile, but spending has been asked for.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from shared.domain.notifications import GIVEN_UP_AFTER, NEW_ECOM_ORDER, text_of
from shared.services.alerts import Alerts
from shared.services.sync.session import Session
from shared.store import metadata, paths

TOLD_PER_RUN = 20
"""Orders: the next run has the others."""
TELLING_SECONDS = 30.0
"""After so many the next run has what is left: an address may be slow."""

log = structlog.get_logger(__name__)


def tell_news(session: Session, alerts: Alerts) -> None:
    """Tell the org of the orders that wait for it. One that an address failed to take waits for
    the next run, up to GIVEN_UP_AFTER. Where none waits, nothing is read."""
    progress = session.progress
    if not progress.pending_notifications:
        return
    session.checkpoint()
    until = time.monotonic() + TELLING_SECONDS
    asked = progress.pending_notifications[:TOLD_PER_RUN]
    orders = _stored_orders(session, asked)
    names = _place_names(session)
    told = []
    for order_id in asked:
        if time.monotonic() >= until:
            break
        if _is_told(session, alerts, order_id, orders[order_id], names):
            told.append(order_id)
    with session.lock:
        left = [each for each in progress.pending_notifications if each not in told]
        progress.pending_notifications = left
    log.info("news_told", orders=len(told), left=len(left))


def _is_told(
    session: Session,
    alerts: Alerts,
    order_id: str,
    order: Mapping[str, Any],
    names: Mapping[str, str],
) -> bool:
    """Whether nothing is left to be done for the order."""
    created_at, total = order.get("createdAt"), order.get("total")
    if not isinstance(created_at, datetime) or not isinstance(total, int | float):
        return True  # it was not stored after all, or another program has changed it
    place = str(order.get("locationId") or "")
    number = str(order.get("ecomNumber") or order.get("externalId"))
    title, body = text_of(number, total, names.get(place, place))
    key = f"{NEW_ECOM_ORDER}_{order_id}"
    done = alerts.notify(session.org_id, key, title, body)
    return done or session.now() - created_at > GIVEN_UP_AFTER


def _stored_orders(session: Session, order_ids: list[str]) -> dict[str, Mapping[str, Any]]:
    """The fields of the orders that the text needs, by id; none of one that is not stored."""
    wanted = {f"{paths.orders(session.org_id)}/{each}": each for each in order_ids}
    fields = ["createdAt", "locationId", "ecomNumber", "externalId", "total"]
    found = session.database.get_all(list(wanted), fields)
    return {order_id: found[path].fields for path, order_id in wanted.items()}


def _place_names(session: Session) -> dict[str, str]:
    """What the POS calls its locations, by its ids of them."""
    path = f"{paths.metadata(session.org_id)}/{metadata.LOCATION}"
    items = session.database.get(path).fields.get("items", ())
    return {str(each["id"]): str(each["name"]) for each in items if each.get("name")}
