"""`make demo`: the gateway against the simulator, with accounts of both tiers, some of them rate limited.

Its data lie in `instance/demo`. Ctrl-C, or a SIGTERM, stops both; the simulator also ends by itself when this
process is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from types import FrameType

from grok2api.accounts import Tier
from grok2api.app import create_app
from grok2api.env import PROJECT_ROOT, Env
from grok2api.errors import GatewayError
from grok2api.services import Services
from grok2api.web.services import KEY

BASIC = (
    "sim-basic-ok-demo1",
    "sim-basic-ok-demo2",
    "sim-basic-ok-demo3.quota.12",
    "sim-basic-429-demo4",
    "sim-basic-429_exhausted-demo5",
)
SUPER = ("sim-super-ok-demo6", "sim-super-429_exhausted-demo7")
READY_S = 30.0


class Stopped(Exception):
    """SIGINT or SIGTERM."""


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    children: list[subprocess.Popen[str]] = []
    try:
        return _serve(children)
    except Stopped:
        return 0
    except GatewayError as error:
        print(f"grok2api: {error}", file=sys.stderr)
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for child in reversed(children):
            _end(child)


def _serve(children: list[subprocess.Popen[str]]) -> int:
    simulator = subprocess.Popen(
        [sys.executable, "-m", "tests.simulator", "--until-stdin-closes"],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for this process, which then stops its children in order
    )
    children.append(simulator)
    assert simulator.stdout is not None
    upstream = json.loads(simulator.stdout.readline())["url"]
    environ = dict(os.environ)
    environ.setdefault("GROK2API_DATA_DIR", str(PROJECT_ROOT / "instance" / "demo"))
    environ["GROK2API_UPSTREAM_URL"] = environ["GROK2API_ASSETS_URL"] = upstream
    env = _add_accounts(environ)
    gateway = subprocess.Popen(
        [sys.executable, "-m", "grok2api"], cwd=PROJECT_ROOT, env=environ, text=True, start_new_session=True
    )
    children.append(gateway)
    if _wait_ready(gateway, env):
        print(_invitation(env), flush=True)
    return gateway.wait()


def _add_accounts(environ: Mapping[str, str]) -> Env:
    env = Env.from_environ(environ)
    services: Services = create_app(env).extensions[KEY]
    services.book.add(BASIC, Tier.BASIC)
    services.book.add(SUPER, Tier.SUPER)
    services.store.close()
    return env


def _wait_ready(gateway: subprocess.Popen[str], env: Env) -> bool:
    until = time.monotonic() + READY_S
    while time.monotonic() < until and gateway.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{_url(env)}/health", timeout=2):
            return True
        time.sleep(0.1)
    return False


def _url(env: Env) -> str:
    host = "127.0.0.1" if env.host == "0.0.0.0" else env.host
    return f"http://{f'[{host}]' if ':' in host else host}:{env.port}"


def _invitation(env: Env) -> str:
    body = (
        '{"model": "grok-4.1-thinking", "stream": true, "messages": [{"role": "user", "content": "Hello!"}]}'
    )
    return (
        f"\nThis is the demo: {len(BASIC) + len(SUPER)} accounts of a simulated Grok. "
        "Paste this into another terminal:\n\n"
        f"  curl -N {_url(env)}/v1/chat/completions -H 'Content-Type: application/json' \\\n    -d '{body}'\n"
    )


def _stop(_: int, __: FrameType | None) -> None:
    raise Stopped


def _end(child: subprocess.Popen[str]) -> None:
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGINT)
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


if __name__ == "__main__":
    sys.exit(main())
