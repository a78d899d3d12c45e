"""``python -m tests.strict_firestore --emulator HOST:PORT [--port N]``, or ``--memory`` in place of
an emulator: prints its address and serves until it is stopped. What it refuses is a JSON line
each on standard error."""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tests.memory_firestore.server import MemoryFirestore
from tests.strict_firestore.limits import Limits
from tests.strict_firestore.proxy import Proxy


def main() -> None:
    """Serve."""
    options = _options()
    limits = Limits()
    if options.long_indexed_values:
        limits = replace(limits, indexed_value=None)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with (
        _behind(options) as behind,
        Proxy(behind, options.port, limits, options.seed) as proxy,
    ):
        sys.stdout.write(f"{proxy.host}\n")
        sys.stdout.flush()
        if options.owned:
            threading.Thread(target=_wait_for_owner, args=(stopped,), daemon=True).start()
        stopped.wait()


@contextmanager
def _behind(options: argparse.Namespace) -> Iterator[str]:
    if options.emulator:
        yield options.emulator
        return
    with MemoryFirestore() as memory:
        yield memory.host


def _wait_for_owner(stopped: threading.Event) -> None:
    sys.stdin.buffer.read()
    stopped.set()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.strict_firestore", description=__doc__)
    behind = parser.add_mutually_exclusive_group(required=True)
    behind.add_argument("--emulator", help="host:port of Google's emulator")
    behind.add_argument("--memory", action="store_true", help="keep the documents itself")
    parser.add_argument("--port", type=int, default=0, help="default: any that is free")
    parser.add_argument("--seed", type=int, default=0, help="of contention and faults")
    parser.add_argument(
        "--long-indexed-values",
        action="store_true",
        help="let indexed values over 1,500 bytes pass",
    )
    parser.add_argument("--owned", action="store_true", help="end with standard input")
    return parser.parse_args()


if __name__ == "__main__":
    main()
