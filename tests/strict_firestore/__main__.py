"""``python -m tests.strict_firestore --emulator HOST:PORT [--port N]``: prints its address and
serves until it is stopped. What it refuses is a JSON line each on standard error."""

import argparse
import signal
import sys
import threading
from dataclasses import replace

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
    with Proxy(options.emulator, options.port, limits, options.seed) as proxy:
        sys.stdout.write(f"{proxy.host}\n")
        sys.stdout.flush()
        if options.owned:
            threading.Thread(target=_wait_for_owner, args=(stopped,), daemon=True).start()
        stopped.wait()


def _wait_for_owner(stopped: threading.Event) -> None:
    sys.stdin.buffer.read()
    stopped.set()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.strict_firestore", description=__doc__)
    parser.add_argument("--emulator", required=True, help="host:port of Google's emulator")
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
