"""`python -m tests.simulator`: runs the simulator and prints {"port", "pid", "url"} as one line of JSON."""

from gevent import monkey

monkey.patch_all()

# The rest must be imported after the patching.
import argparse  # noqa: E402
import gc  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
import orjson  # noqa: E402
from gevent.event import Event  # noqa: E402

from .server import Simulation, listen, make_server  # noqa: E402


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulator", description="A simulated Grok web service."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--accounts", type=Path, help='JSON file: {"accounts": [{"sso": ..., "tier": ...}]}')
    parser.add_argument("--no-journal", action="store_true", help="do not keep requests; for benchmarks")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when the parent goes away")
    return parser.parse_args()


def _stop_with_stdin(stop: Event) -> None:
    gevent.get_hub().threadpool.apply(lambda: os.read(0, 1))
    stop.set()


def main() -> int:
    arguments = _arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    simulation = Simulation(keep_journal=not arguments.no_journal)
    try:
        if arguments.accounts:
            for spec in orjson.loads(arguments.accounts.read_bytes())["accounts"]:
                simulation.accounts.put(spec)
        listener = listen(arguments.host, arguments.port)
    except OSError as error:
        where = f"{arguments.host}:{arguments.port}" if not error.filename else error.filename
        print(f"simulator: cannot use {where}: {error.strerror}", file=sys.stderr)
        return 1
    except (ValueError, KeyError, TypeError) as error:
        print(f"simulator: bad accounts file {arguments.accounts}: {error}", file=sys.stderr)
        return 1
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stop.set)
    server = make_server(simulation, listener)
    server.start()
    gc.collect()
    gc.freeze()
    # Streams make few cycles; frequent collections over thousands of them only cost time.
    gc.set_threshold(50_000, 20, 50)
    if arguments.until_stdin_closes:
        gevent.spawn(_stop_with_stdin, stop)
    port = listener.getsockname()[1]
    ready = {"port": port, "pid": os.getpid(), "url": f"http://{arguments.host}:{port}"}
    print(orjson.dumps(ready).decode(), flush=True)
    stop.wait()
    server.close()
    return 0


if __name__ == "__main__":
    # Not sys.exit: open streams would each be unwound first.
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
