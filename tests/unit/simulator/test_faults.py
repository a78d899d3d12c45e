"""Faults on request, each as a client meets it."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from tests.unit.simulator.conftest import SimulatorClient


def order_ids(pos: SimulatorClient, page: int) -> list[int]:
    return [row["id_order"] for row in pos.get("/order", page=page, pageSize=50).json]


def test_latency_delays_a_call(harbor: SimulatorClient) -> None:
    harbor.fault("latency", ms=60)
    start = time.perf_counter()
    harbor.get("/location")
    assert time.perf_counter() - start >= 0.06


def test_a_fault_waits_for_its_turn_and_strikes_so_often(harbor: SimulatorClient) -> None:
    # Given
    harbor.fault("server_error", endpoint="orders", after=1, count=2)
    # When
    statuses = [harbor.get("/order").status_code for _ in range(5)]
    # Then
    assert statuses == [200, 500, 500, 200, 200]
    assert harbor.get("/location").status_code == 200
    (state,) = harbor.control("GET", "/faults")
    assert (state["seen"], state["struck"]) == (3, 2)


def test_a_fault_of_one_org_spares_the_others(sign_in: Callable[[str], SimulatorClient]) -> None:
    harbor, juniper = sign_in("org_harbor"), sign_in("org_juniper")
    harbor.fault("server_error", org="org_harbor", status=503)
    assert harbor.get("/order").status_code == 503
    assert juniper.get("/order").status_code == 200


def test_a_fault_can_be_taken_back(harbor: SimulatorClient) -> None:
    harbor.fault("server_error")
    harbor.control("DELETE", "/faults")
    assert harbor.get("/order").status_code == 200


def test_an_unknown_fault_is_refused(harbor: SimulatorClient) -> None:
    reply = harbor.client.post("/control/faults", json={"kind": "gremlins"})
    assert reply.status_code == 400


def test_a_sign_in_can_fail(harbor: SimulatorClient) -> None:
    harbor.fault("unauthorized", endpoint="auth", count=1)
    assert harbor.sign_in().status_code == 401
    assert harbor.sign_in().status_code == 200


def test_tokens_withdrawn_in_mid_run_are_401_until_the_next_sign_in(
    harbor: SimulatorClient,
) -> None:
    # Given
    harbor.fault("tokens_withdrawn", endpoint="orders", after=2)
    # When
    before = [harbor.get("/order", page=n).status_code for n in (1, 2, 3, 4)]
    harbor.sign_in()
    after = harbor.get("/order", page=3).status_code
    # Then
    assert (before, after) == ([200, 200, 401, 401], 200)


def test_rate_limits_say_when_to_come_back_in_seconds(harbor: SimulatorClient) -> None:
    harbor.fault("rate_limited", retryAfter=3, count=1)
    reply = harbor.get("/order")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "3")


def test_rate_limits_say_when_to_come_back_as_a_date(harbor: SimulatorClient) -> None:
    harbor.fault("rate_limited", retryAfter=3, form="date", count=1)
    reply = harbor.get("/order")
    wait = parsedate_to_datetime(reply.headers["Retry-After"]) - datetime.now(UTC)
    assert 2.5 <= wait.total_seconds() <= 4


def test_a_time_out_holds_the_call(harbor: SimulatorClient) -> None:
    harbor.fault("timeout", seconds=0.05, count=1)
    start = time.perf_counter()
    assert harbor.get("/order").status_code == 504
    assert time.perf_counter() - start >= 0.05


def test_a_late_answer_is_of_a_call_that_was_done(harbor: SimulatorClient) -> None:
    # Given
    harbor.fault("late_answer", endpoint="writes", seconds=0.06, count=1)
    start = time.perf_counter()
    # When
    made = harbor.post("/customer", name_first="Ida", name_last="Forge").json["id_customer"]
    # Then
    assert time.perf_counter() - start >= 0.06
    assert harbor.get(f"/customer/{made}").status_code == 200


def test_truncated_json_cannot_be_read(harbor: SimulatorClient) -> None:
    harbor.fault("truncated_json", endpoint="orders", count=1)
    reply = harbor.get("/order")
    assert reply.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.data)


def test_a_repeated_page_brings_the_page_before(harbor: SimulatorClient) -> None:
    # Given
    first, third = order_ids(harbor, 1), order_ids(harbor, 3)
    # When
    harbor.fault("repeated_page", endpoint="orders", page=2)
    # Then
    assert [order_ids(harbor, page) for page in (1, 2, 3)] == [first, first, third]


def test_a_short_page_keeps_its_total(harbor: SimulatorClient) -> None:
    harbor.fault("short_page", endpoint="orders", page=2, keep=7)
    rows = harbor.get("/order", page=2, pageSize=50).json
    assert (len(rows), rows[0]["total_rows"]) == (7, 190)


def test_an_empty_product_list_is_empty_and_nothing_else_is(harbor: SimulatorClient) -> None:
    harbor.fault("empty_list", endpoint="inventory")
    assert harbor.post("/inventory/search", id_location=1000).json == []
    assert len(harbor.get("/order").json) == 100


@pytest.mark.parametrize(("true_total", "said"), [(True, 66), (False, 33)])
def test_a_halved_product_list_says_either_total(
    harbor: SimulatorClient, true_total: bool, said: int
) -> None:
    harbor.fault("halved_list", endpoint="inventory", trueTotal=true_total)
    rows = harbor.post("/inventory/search", id_location=1000).json
    assert (len(rows), rows[0]["total_rows"]) == (33, said)


def test_malformed_records_are_damaged_by_position_not_by_call(harbor: SimulatorClient) -> None:
    # Given: the records at positions 48 to 51 of the listing
    harbor.fault("malformed", endpoint="orders", damage="missing_id", first=48, records=4)
    # When
    pages = [harbor.get("/order", page=n, pageSize=50).json for n in (2, 1, 1)]
    # Then
    without_id = [[i for i, row in enumerate(page) if "id_order" not in row] for page in pages]
    assert without_id == [[0, 1], [48, 49], [48, 49]]


def test_malformed_records_come_in_several_kinds(harbor: SimulatorClient) -> None:
    # Given
    for first, damage in enumerate(("text_for_number", "null_dates", "not_an_object")):
        harbor.fault("malformed", endpoint="orders", damage=damage, first=first)
    # When
    text, dateless, line, whole = harbor.get("/order").json[:4]
    # Then
    assert text["total"] == "not a number"
    assert dateless["date_created"] is None
    assert isinstance(line, str)
    assert whole["id_order"]


def test_malformed_records_reach_the_other_listings_and_the_rest_style(
    sign_in: Callable[[str], SimulatorClient],
) -> None:
    # Given
    harbor, fern = sign_in("org_harbor"), sign_in("org_fern")
    harbor.fault("malformed", damage="missing_id")
    harbor.fault("malformed", damage="not_an_object", first=1)
    # When
    customers = harbor.post("/customer/search", page=1).json
    stock = harbor.post("/inventory/search", id_location=1000).json
    orders = fern.get("/orders", locationId=1000).json["orders"]
    # Then
    assert "id_customer" not in customers["0"]
    assert "id_item" not in stock[0]
    assert "id_transaction" not in orders[0]
    assert isinstance(orders[1], str)
