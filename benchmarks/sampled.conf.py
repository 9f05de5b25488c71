"""gunicorn's settings, and a sampler in each worker: SIGRTMIN starts it, at the end it writes $BENCHMARKS_SAMPLES.

A timer of the process's CPU time interrupts the main thread, in which all greenlets run; a stack weighs as much CPU
time as that thread took since the stack before. So others on the machine and waiting do not show.
"""

import runpy

_settings = runpy.run_path("gunicorn.conf.py")  # first, as it patches
globals().update(_settings)

import json  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import time  # noqa: E402
from collections import Counter  # noqa: E402
from pathlib import Path  # noqa: E402
from types import FrameType  # noqa: E402

_EVERY_S = 0.002
_stacks: Counter[str] = Counter()
_seen_ns = 0
_times = os.times()


def _sample(signum: int, frame: FrameType | None) -> None:
    global _seen_ns
    now = time.thread_time_ns()
    stack = []
    while frame is not None:
        code = frame.f_code
        stack.append(f"{code.co_qualname} ({code.co_filename}:{code.co_firstlineno})")
        frame = frame.f_back
    _stacks[";".join(reversed(stack))] += now - _seen_ns
    _seen_ns = now


def post_worker_init(worker: object) -> None:
    _settings["post_worker_init"](worker)
    signal.signal(signal.SIGPROF, _sample)
    signal.signal(signal.SIGRTMIN, _start)


def _start(signum: int, frame: FrameType | None) -> None:
    global _seen_ns, _times
    _times, _seen_ns = os.times(), time.thread_time_ns()
    signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)


def worker_exit(server: object, worker: object) -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    times = os.times()
    user_s, system_s = times.user - _times.user, times.system - _times.system
    seen = {"stacks_ns": _stacks, "user_s": user_s, "system_s": system_s}
    Path(os.environ["BENCHMARKS_SAMPLES"]).write_text(json.dumps(seen))
    _settings["worker_exit"](server, worker)
