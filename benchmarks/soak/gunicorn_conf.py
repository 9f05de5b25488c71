"""gunicorn.conf.py, and workers that on SIGUSR2 write what they hold to `<pid>.json` in the folder SOAK_DIR."""

from gevent import monkey

monkey.patch_all()

import gc  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
from collections import Counter  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import orjson  # noqa: E402
from greenlet import getcurrent, greenlet  # noqa: E402

_served = Path("gunicorn.conf.py")  # of the folder that gunicorn is started in
exec(compile(_served.read_text("utf-8"), str(_served), "exec"), globals())
_serve: Any = globals()["post_worker_init"]


def post_worker_init(worker: Any) -> None:
    _serve(worker)
    signal.signal(signal.SIGUSR2, lambda *_: _tell(Path(os.environ["SOAK_DIR"])))


def _root(one: greenlet) -> greenlet:
    """The main greenlet of its thread: the threads of gevent's pools, which come and go, have some of their own."""
    while one.parent is not None:
        one = one.parent
    return one


def _tell(folder: Path) -> None:
    objects, here = gc.get_objects(), _root(getcurrent())
    types = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in objects)
    told = {
        "greenlets": sum(
            isinstance(one, greenlet) and not one.dead and _root(one) is here for one in objects
        ),
        "objects": len(objects),
        "types": dict(types.most_common(300)),
    }
    del objects
    new = folder / f"{os.getpid()}.new"
    new.write_bytes(orjson.dumps(told))
    new.replace(folder / f"{os.getpid()}.json")
