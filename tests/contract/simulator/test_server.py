"""The simulated POS on a real port."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from deploy.local.simulator.server import Server, serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import named_orgs

ROOT = Path(__file__).parents[3]
WAIT = 10


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(Simulation(named_orgs(seed=1))) as running:
        yield running


def signed_in(server: Server, session: requests.Session) -> None:
    config = server.locations()[0]["document"]["posConfig"]
    body = {key: config[key] for key in ("username", "password", "pin")}
    reply = session.post(f"{config['baseUrl']}/auth", json=body, timeout=WAIT)
    session.headers["Authorization"] = f"Bearer {reply.json()['token']}"


def test_many_slow_calls_are_served_at_once(server: Server) -> None:
    # Given
    fault = {"kind": "latency", "ms": 200, "endpoint": "orders"}
    requests.post(f"{server.url}/control/faults", json=fault, timeout=WAIT).raise_for_status()

    def page(number: int) -> int:
        url = f"{server.url}/api/order"
        query = {"page": number, "pageSize": 100}
        return len(session.get(url, params=query, timeout=WAIT).json())

    with requests.Session() as session, ThreadPoolExecutor(16) as pool:
        signed_in(server, session)
        # When
        start = time.perf_counter()
        sizes = list(pool.map(page, range(1, 28)))
        seconds = time.perf_counter() - start
    # Then
    assert sizes == [100] * 26 + [89]
    assert seconds < 27 * 0.2 / 2


def test_closing_frees_the_port_and_ends_waiting_calls() -> None:
    # Given
    with serve(Simulation(named_orgs(seed=1))) as server, ThreadPoolExecutor(1) as pool:
        fault = {"kind": "timeout", "seconds": 60}
        requests.post(f"{server.url}/control/faults", json=fault, timeout=WAIT)
        waiting = pool.submit(requests.get, f"{server.url}/api/order", timeout=WAIT)
        time.sleep(0.2)
        # When
        start = time.perf_counter()
        server.close()
        # Then
        assert waiting.result(timeout=WAIT).status_code == 504
        assert time.perf_counter() - start < 5
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{server.url}/control/orgs", timeout=WAIT)


def test_the_command_line_writes_the_ports_of_both_and_ends_on_sigterm(tmp_path: Path) -> None:
    # Given
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "deploy.local.simulator", "--orgs", "3"]
    with subprocess.Popen(
        [*command, "--port-file", str(port_file)], cwd=ROOT, stdout=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + WAIT
            while not port_file.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            # When
            urls = [f"http://127.0.0.1:{port}" for port in port_file.read_text().split()]
            orgs, retailers = (
                [org["id"] for org in requests.get(f"{url}/control/orgs", timeout=WAIT).json()]
                for url in urls
            )
        finally:
            process.send_signal(signal.SIGTERM)
    # Then
    assert process.returncode == 0
    assert orgs[-1] == "org_00003"
    assert retailers == ["org_cove"]
