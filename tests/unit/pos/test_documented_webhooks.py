"""The webhooks that ``docs/http.md`` shows are those that are understood."""

import re
from pathlib import Path

import pytest

from shared.pos.alleaves.webhooks import SUBJECTS, locations_in, read_event
from shared.pos.lightspeed.webhooks import SALE
from shared.pos.lightspeed.webhooks import read_event as read_lightspeed
from shared.pos.port import PosEvent
from tests.webhook_examples import ALLEAVES, LIGHTSPEED, WebhookExample

SECTION = re.compile(r"^## Webhooks\n(.*?)^## ", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \| (\w+) ([^|]+) \|$", re.MULTILINE)


def documented() -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Each row of the section's table: event, body, kind of record, ids."""
    text = (Path(__file__).parents[3] / "docs" / "http.md").read_text()
    section = SECTION.search(text)
    assert section
    return [
        (event, body, kind.removesuffix("s"), tuple(ids.strip().split(", ")))
        for event, body, kind, ids in ROW.findall(section[1])
    ]


def named_by(event: PosEvent) -> dict[str, tuple[str, ...]]:
    named = {
        "customer": event.customer_ids,
        "order": event.order_ids,
        "product": event.product_ids,
    }
    return {kind: ids for kind, ids in named.items() if ids}


@pytest.mark.parametrize(("event", "body", "kind", "ids"), documented())
def test_a_documented_webhook_names_what_the_documentation_says(
    event: str, body: str, kind: str, ids: tuple[str, ...]
) -> None:
    read = read_lightspeed if event == SALE else read_event

    found = read(body.encode())

    assert found.kind == event
    assert named_by(found) == {kind: ids}


def test_every_kind_of_event_is_documented_and_no_other() -> None:
    assert [event for event, *_ in documented()] == [*SUBJECTS, SALE]


def test_the_documented_webhooks_are_those_of_the_tests() -> None:
    shown = [(body, kind, ids) for _, body, kind, ids in documented()]

    assert shown == [(each.body, each.kind, each.ids) for each in (*ALLEAVES, LIGHTSPEED)]


@pytest.mark.parametrize("example", ALLEAVES)
def test_a_documented_webhook_names_its_location_if_any(example: WebhookExample) -> None:
    assert locations_in(example.body.encode()) == example.locations
