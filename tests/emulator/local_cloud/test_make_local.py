"""`make local` from the outside: clones side by side, and nothing left of any."""

import os
import signal
from pathlib import Path

import requests

from deploy.local.identity.people import sign_in
from tests.emulator.local_cloud.clone import running


def test_two_clones_run_side_by_side_until_each_is_told_to_stop(tmp_path: Path) -> None:
    with running(tmp_path / "one") as one, running(tmp_path / "two") as two:
        # Given
        first, second = one.wait_ready(), two.wait_ready()
        # Then
        assert first["project"] != second["project"]
        assert not {*first["functions"].values()} & {*second["functions"].values()}
        assert (first["simulator"], first["lightspeed"]) == (None, None)
        person = first["people"][0]
        assert sign_in(first["auth"], person["email"], person["password"])
        assert len(one.processes) == len(two.processes) > 10

        # When
        again = one.local_again()
        # Then
        assert again.returncode != 0
        assert "already up" in again.stdout

        # When
        one.make.send_signal(signal.SIGTERM)
        # Then
        assert one.left_behind() == []
        assert requests.get(second["functions"]["on_request"], timeout=10).ok

        # When: make alone gets it, as from a program that stops what it started
        two.make.send_signal(signal.SIGINT)
        # Then
        assert two.left_behind() == []


def test_nothing_survives_a_kill(tmp_path: Path) -> None:
    with running(tmp_path / "clone") as clone:
        # Given
        pid = clone.wait_ready()["pid"]
        assert pid in {each.pid for each in clone.processes}
        # When
        os.kill(pid, signal.SIGKILL)
        # Then
        assert clone.left_behind() == []
