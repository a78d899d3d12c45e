"""``make bench``: ``python -m tests.bench [--quick] [name …]``."""

import argparse
import signal
import sys
import time

from rich.console import Console

from deploy.local import parent_watch
from deploy.local.processes import StartFailed
from deploy.local.sdk import NotInstalled
from shared import log
from tests.bench import machine, record, registry
from tests.bench.cloud import NotDone

console = Console(highlight=False)


def main() -> int:
    """0 when every benchmark could be measured, whatever its figures."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parent_watch.watch()
    log.configure("ERROR")  # of the services that run in this process
    failed = 0
    for name in options.names or registry.NAMES:
        try:
            _run(name, quick=options.quick)
        except (StartFailed, NotInstalled, NotDone) as error:
            console.print(f"[bold red]{name} could not be measured:[/] {error}", soft_wrap=True)
            failed += 1
        except KeyboardInterrupt:
            return 1
    console.print(f"\nAll figures: {record.FILE}")
    return 1 if failed else 0


def _run(name: str, *, quick: bool) -> None:
    bench = registry.load(name)
    where = machine.description()
    console.rule(f"[bold]{bench.TITLE}[/]" + (" (quick)" if quick else ""))
    console.print(
        f"{where['processor']}, {where['cores']} cores, {where['memoryGiB']} GiB,"
        f" Python {where['python']}, commit {where['commit']}, load {where['load']}"
    )
    started = time.monotonic()
    figures = bench.run(console, quick=quick)
    seconds = round(time.monotonic() - started, 1)
    console.print(f"Took {seconds} s; load now {machine.load()}.")
    entry = {**where, "loadAfter": machine.load(), "quick": quick, "seconds": seconds}
    record.keep(name, {**entry, "figures": figures})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    known = (*registry.NAMES, *registry.ON_REQUEST)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(known))
    parser.add_argument("--quick", action="store_true", help="smaller, once, within two minutes")
    options = parser.parse_args()
    if unknown := set(options.names) - set(known):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
