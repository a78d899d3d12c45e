"""Command line: ``python -m deploy.local.simulator --port 0 --port-file PATH``.

The POS, and beside it X-Series on a port of its own.
"""

import argparse
import signal
from datetime import date
from pathlib import Path
from threading import Event

from deploy.local.simulator.fault import Latency
from deploy.local.simulator.lightspeed.retailer import LightspeedSimulation
from deploy.local.simulator.lightspeed.server import LightspeedServer
from deploy.local.simulator.lightspeed.spec import named_retailers
from deploy.local.simulator.server import serve
from deploy.local.simulator.simulation import Simulation
from deploy.local.simulator.spec import generated_orgs, named_orgs


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    options = _options()
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    named = named_orgs(options.seed)
    simulation = Simulation((*named, *generated_orgs(options.orgs, options.seed)), options.today)
    retailers = LightspeedSimulation(named_retailers(options.seed), options.today)
    for service in (simulation, retailers) if options.latency_ms else ():
        service.faults.add(Latency(kind="latency", ms=options.latency_ms))
    for spec in named:
        # Generated before the port is told, so that nobody's first call waits for it.
        data = simulation.orgs.get(spec.id).dataset
        sizes = f"{len(data.customers)} customers, {len(data.orders)} orders"
        print(f"{spec.id}: {sizes}, {len(data.inventory)} stock rows")
    for retailer in retailers:
        tables = retailer.data.tables
        sizes = f"{len(tables['customers'])} customers, {len(tables['sales'])} sales"
        print(f"{retailer.id}: {sizes}, {len(retailer.data.late)} eCom orders late")
    with (
        LightspeedServer(retailers, options.lightspeed_port) as lightspeed,
        serve(simulation, options.port) as server,
    ):
        if options.port_file:
            _write_whole(options.port_file, f"{server.port}\n{lightspeed.port}\n")
        print(f"{server.url}/api\n{lightspeed.url}", flush=True)
        stop.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--lightspeed-port", type=int, default=0, help="that of X-Series")
    parser.add_argument("--port-file", type=Path, help="is written once both servers listen")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--orgs", type=int, default=0, help="how many small orgs to generate")
    parser.add_argument("--today", type=date.fromisoformat, help="default: today in UTC")
    parser.add_argument("--latency-ms", type=float, default=0, help="of every call")
    return parser.parse_args()


def _write_whole(path: Path, text: str) -> None:
    """Nobody ever reads half a file."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.write_text(text)
    unfinished.replace(path)


if __name__ == "__main__":
    main()
