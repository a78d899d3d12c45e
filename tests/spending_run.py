"""Computes the spending of an org with the service itself, without the function around it."""

from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from shared.bus.messages import ComputeSpending
from shared.clock import utc_now
from shared.errors import RetryLater
from shared.services.spending.compute import (
    CUSTOMERS_IN_MEMORY,
    CUSTOMERS_IN_RANGE,
    SpendingService,
)
from shared.store.database import Database
from tests.fakes import RecordingPublisher


def compute_all(
    database: Database,
    org_id: str,
    *,
    at_once: int = 4,
    in_memory: int = CUSTOMERS_IN_MEMORY,
    in_range: int = CUSTOMERS_IN_RANGE,
) -> int:
    """Compute all customers of the org and whatever is asked for meanwhile, ``at_once`` messages
    at a time. Returns how many messages that took."""
    topic = RecordingPublisher()
    service = SpendingService(
        database, topic, utc_now, seconds=450, in_memory=in_memory, in_range=in_range
    )
    count = 0
    under_way: set[Future[Iterable[ComputeSpending]]] = set()

    def handle(message: ComputeSpending) -> Iterable[ComputeSpending]:
        try:
            service(message)
        except RetryLater:
            return [message]
        return []

    topic.publish([ComputeSpending(org_id=org_id)])
    with ThreadPoolExecutor(at_once) as pool:
        while under_way or topic.messages:
            for message in topic.take():
                assert isinstance(message, ComputeSpending)
                count += 1
                under_way.add(pool.submit(handle, message))
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for each in done:
                topic.publish(each.result())
    return count
