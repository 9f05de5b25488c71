"""One fetch in a process patched as the gateway's workers are. Prints what came of it, as JSON.

Arguments: the URL, the place to allow, the limit in seconds, and how long the look-up of a name takes.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import os  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402

from grok2api.errors import BadRequest  # noqa: E402
from grok2api.upstream.fetch import Fetcher  # noqa: E402


def main(url: str, allow: str, total_s: float, lookup_s: float) -> None:
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            gevent.sleep(0.01)
            ticks += 1

    real = socket.getaddrinfo

    def slow(*args: Any, **kwargs: Any) -> Any:
        gevent.sleep(lookup_s)
        return real(*args, **kwargs)

    socket.getaddrinfo = slow
    ticker = gevent.spawn(tick)
    started = time.monotonic()
    message = ""
    try:
        Fetcher([allow], total_s).fetch(url)
    except BadRequest as error:
        message = error.message
    took = time.monotonic() - started
    ticker.kill()
    opened = [fd for fd in Path("/proc/self/fd").iterdir() if int(fd.name) > 2 and os.path.lexists(fd)]
    sockets = sum(str(fd.readlink()).startswith("socket:") for fd in opened)
    print(json.dumps({"message": message, "took": took, "ticks": ticks, "sockets": sockets}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
