"""How long an org's calls were under way."""

from deploy.local.simulator.request_log import RequestLog


def test_an_org_is_busy_while_any_of_its_calls_is_in_flight() -> None:
    # Given two calls that overlap, a pause, and one more
    times = iter([1.0, 4.0, 10.0, 10.5])
    log = RequestLog(lambda: next(times))
    log.begin("org_a", "orders")
    log.begin("org_a", "customers")
    log.end("org_a", 200)
    log.end("org_a", 200)
    log.begin("org_a", "orders")
    log.end("org_a", 200)

    # Then the pause does not count, and what overlaps counts once
    assert log.state()["orgs"]["org_a"]["busySeconds"] == 3.5
    assert log.state()["orgs"]["org_a"]["peakInFlight"] == 2
