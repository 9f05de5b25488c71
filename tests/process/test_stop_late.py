"""What still runs when graceful_timeout is nearly over: it is ended in good order, within seconds."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import requests

from tests.gateway import Gateway, events, text_of
from tests.simulator.client import Simulator, directive

GRACEFUL_S = 8


@contextmanager
def _taking_nothing(own: Gateway) -> Iterator[None]:
    """A client that asks for more than fits into the sockets, and reads none of it."""
    message = {"role": "user", "content": directive("plain", tokens=100_000)}
    body = orjson.dumps({"model": "grok-4.1", "stream": True, "messages": [message]})
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", own.port)) as client:
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        time.sleep(1)  # until nothing more fits
        yield


def test_what_does_not_end_in_time_is_told_so_and_nothing_is_left_of_it(
    tmp_path: Path, simulator: Simulator
) -> None:
    with Gateway(
        tmp_path / "data", simulator.url, GUNICORN_CMD_ARGS=f"--graceful-timeout {GRACEFUL_S}"
    ) as own:
        own.set_accounts([f"sim-basic-ok-{n}" for n in range(8)])
        whole: list[requests.Response] = []

        def ask_whole() -> None:
            whole.append(own.chat(directive("plain", tokens=5, step="never")))

        asking = threading.Thread(target=ask_whole)
        asking.start()
        simulator.wait_waiting("never")
        with requests.Session() as other:
            short = own.chat(directive("plain", tokens=15, delay=0.1), stream=True)
            own.session = other
            long = own.chat(directive("plain", tokens=10_000, delay=0.05), stream=True)
            with socket.create_connection(("127.0.0.1", own.port)), _taking_nothing(own):
                began = time.monotonic()
                own.process.send_signal(signal.SIGTERM)
                assert events(short)[-1] == "[DONE]"
                found = events(long)
                told = time.monotonic() - began
                assert own.process.wait(timeout=30) == 0
                ended = time.monotonic() - began
        asking.join()
    assert text_of(found).startswith("w0 w1 w2")
    [error] = [event["error"] for event in found if "error" in event]
    assert "error" in found[-1] or found[-1] == "[DONE]"
    assert (error["code"], error["type"]) == ("server_stopping", "server_error")
    assert whole[0].status_code == 503 and whole[0].json()["error"]["code"] == "server_stopping"
    assert whole[0].headers["Retry-After"] == "1"
    assert GRACEFUL_S / 2 - 1 < told < GRACEFUL_S and ended < GRACEFUL_S + 1
    assert "SIGKILL" not in own.log() and "Traceback" not in own.log()
    simulator.wait_until(lambda: simulator.streams()["open"] == 0)
    assert own.sql("SELECT count(*) FROM leases") == [(0,)]
    assert own.sql("SELECT max(in_flight) FROM account_quotas") == [(0,)]
