"""The simulated Lightspeed on a real port: webhooks, and eCom orders that arrive late."""

import csv
import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

from deploy.local.simulator.lightspeed.retailer import LightspeedSimulation
from deploy.local.simulator.lightspeed.server import LightspeedServer
from deploy.local.simulator.lightspeed.webhooks import RETRIES, signature
from tests.simulated_lightspeed import SMALL_RETAILER, SimulatedLightspeed

WAIT = 10
DAY_SECONDS = 1.0
"""Two days of retries are over after two seconds."""


class Receiver:
    """Takes webhooks, and answers each with the next of ``statuses``, the last of them for good."""

    def __init__(self, *statuses: int) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self._statuses = list(statuses)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                receiver.times.append(time.monotonic())
                receiver.headers.append(dict(self.headers))
                receiver.bodies.append(self.rfile.read(length))
                statuses = receiver._statuses
                self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    opened: list[Receiver] = []

    def open_one(*statuses: int) -> Receiver:
        opened.append(Receiver(*statuses))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def till() -> Iterator[SimulatedLightspeed]:
    spec = SMALL_RETAILER.model_copy(update={"day_seconds": DAY_SECONDS})
    with LightspeedServer(LightspeedSimulation([spec])) as server:
        yield SimulatedLightspeed(server.url)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def sale_in(body: bytes) -> str:
    return str(json.loads(parse_qs(body.decode())["payload"][0])["id"])


def test_a_changed_sale_goes_out_unsigned_to_a_webhook_made_by_hand(
    till: SimulatedLightspeed, receiver: Callable[..., Receiver]
) -> None:
    # Given
    hook = receiver(200)
    till.register_webhook("org_till", "sale.update", hook.url)
    sale = till.newest_sale("org_till")["id"]

    # When
    till.set_status("org_till", sale, "VOIDED")

    # Then
    until(lambda: len(hook.bodies) == 1)
    form = parse_qs(hook.bodies[0].decode())
    assert sale_in(hook.bodies[0]) == sale
    assert form["type"] == ["sale.update"]
    assert form["domain_prefix"] == ["org-till"]
    assert hook.headers[0]["Content-Type"] == "application/x-www-form-urlencoded"
    assert "X-Signature" not in hook.headers[0]


def test_a_webhook_of_an_application_is_signed_with_its_secret(
    till: SimulatedLightspeed, receiver: Callable[..., Receiver]
) -> None:
    # Given
    hook = receiver(200)
    account = till.control("GET", "orgs/org_till")
    base = f"{till.url}/{account['prefix']}/api"
    form = {
        "client_id": account["clientId"],
        "client_secret": account["clientSecret"],
        "grant_type": "authorization_code",
        "code": account["code"],
    }
    token = requests.post(f"{base}/1.0/token", data=form, timeout=WAIT).json()["access_token"]
    body = {"type": "customer.update", "url": hook.url, "active": True}
    headers = {"Authorization": f"Bearer {token}"}
    made = requests.post(f"{base}/2.0/webhooks", json=body, headers=headers, timeout=WAIT)
    assert made.status_code == 201

    # When
    customer = till.data("org_till")["customers"][0]["id"]
    till.change("org_till", "customers", customer, first_name="Ida")

    # Then
    until(lambda: len(hook.bodies) == 1)
    assert hook.headers[0]["X-Signature"] == signature(SMALL_RETAILER, hook.bodies[0])


def test_a_webhook_that_is_not_taken_comes_again_with_growing_gaps(
    till: SimulatedLightspeed, receiver: Callable[..., Receiver]
) -> None:
    # Given
    hook = receiver(*[503] * 18, 200)
    till.register_webhook("org_till", "sale.update", hook.url)

    # When
    till.announce("org_till", "sales", till.newest_sale("org_till")["id"])

    # Then
    until(lambda: len(hook.bodies) == 19)
    gaps = [later - earlier for earlier, later in zip(hook.times, hook.times[1:], strict=False)]
    assert gaps[-1] > 0.1 > gaps[0]
    assert len({*hook.bodies}) == 1
    until(lambda: len(till.deliveries("org_till")) == 19)
    statuses = [each["status"] for each in till.deliveries("org_till")]
    assert statuses == [503] * 18 + [200]


def test_a_webhook_that_is_never_taken_is_given_up(
    till: SimulatedLightspeed, receiver: Callable[..., Receiver]
) -> None:
    # Given
    hook = receiver(500)
    till.register_webhook("org_till", "sale.update", hook.url)

    # When
    till.announce("org_till", "sales", till.newest_sale("org_till")["id"])

    # Then
    until(lambda: len(hook.bodies) == 1 + RETRIES)
    time.sleep(0.2)
    assert len(hook.bodies) == 1 + RETRIES


def test_an_ecom_order_arrives_by_itself_days_after_it_was_placed(
    till: SimulatedLightspeed,
) -> None:
    # Given
    till.control("PATCH", "orgs/org_till", {"arrivalDays": 0.3})

    # When
    number = till.place_ecom_order("org_till")
    at_once = till.late_orders("org_till")

    # Then
    assert number in at_once
    until(lambda: number not in till.late_orders("org_till"))
    assert any(sale["source_id"] == str(number) for sale in till.data("org_till")["sales"])


def test_the_export_is_had_as_a_file(till: SimulatedLightspeed, tmp_path: Path) -> None:
    path = tmp_path / "ecom_orders_export.csv"

    till.export("org_till", path)

    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert rows == till.data("org_till")["ecom"]
    assert {row["order_number"] for row in rows} >= {"1", "45"}


def test_a_retailer_can_be_part_of_an_org_that_has_others(till: SimulatedLightspeed) -> None:
    # When
    till.open(SMALL_RETAILER.model_copy(update={"id": "second_shop", "org": "org_harbor"}))

    # Then
    assert till.location("second_shop")["orgId"] == "org_harbor"
    assert [each["id"] for each in till.control("GET", "tenants")] == ["org_till"]


def test_closing_ends_what_is_still_to_be_done() -> None:
    # Given
    server = LightspeedServer(LightspeedSimulation([SMALL_RETAILER]))
    till = SimulatedLightspeed(server.url)
    till.register_webhook("org_till", "sale.update", "http://127.0.0.1:9/")
    till.announce("org_till", "sales", till.newest_sale("org_till")["id"])

    # When
    began = time.monotonic()
    server.close()

    # Then
    assert time.monotonic() - began < 5
