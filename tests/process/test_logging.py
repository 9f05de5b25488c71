"""What an operator finds in the log of a running gateway."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import requests

from tests.gateway import ROOT, START_S, Gateway, clean_environ, free_port
from tests.process.flask_command import Operator
from tests.simulator.client import Simulator

TIRED, FIT = "sim-basic-429-tiredaccount", "sim-super-ok-fitaccount"


def _lines(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_text("utf-8").splitlines() if line.startswith("{")]


def _requests(path: Path) -> list[dict[str, Any]]:
    return [line for line in _lines(path) if line.get("event") == "request"]


def _serves(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


def test_one_json_line_a_request_and_a_level_that_is_changed_while_it_runs(
    tmp_path: Path, simulator: Simulator
) -> None:
    log_file = tmp_path / "logs" / "grok2api.log"

    def told(number: int) -> list[dict[str, Any]]:
        simulator.wait_until(lambda: len(_requests(log_file)) >= number)  # written when the answer has ended
        return _requests(log_file)

    with Gateway(
        tmp_path / "data", simulator.url, LOG_DIR=str(log_file.parent), LOG_FORMAT="json"
    ) as gateway:
        gateway.set_accounts([TIRED], [FIT])
        gateway.session.headers["X-Request-ID"] = "asked-1"
        answer = gateway.chat("Hello", stream=True)
        assert (answer.status_code, answer.headers["X-Request-ID"]) == (200, "asked-1")
        assert answer.content
        (line,) = told(1)
        assert (line["request_id"], line["level"], line["path"]) == (
            "asked-1",
            "INFO",
            "/v1/chat/completions",
        )
        assert (line["model"], line["stream"], line["outcome"], line["status"]) == (
            "grok-4.1",
            True,
            "ok",
            200,
        )
        assert line["tries"] == 2 and 0 <= line["first_ms"] <= line["total_ms"]
        assert line["account"] not in (FIT, TIRED) and line["account"][:3] == FIT[:3]
        for secret in (FIT, TIRED, "Hello"):
            assert secret not in log_file.read_text("utf-8"), secret
        assert {line["request_id"] for line in _requests(gateway.log_path)} == {"asked-1"}

        gateway.set_settings(log_level="WARNING")
        assert gateway.chat("Hello", model="grok-3-fast").ok
        gateway.set_settings(log_level="INFO")
        assert gateway.chat("Hello").ok
        assert [line["model"] for line in told(2)] == ["grok-4.1"] * 2


def test_a_server_logs_to_standard_output_and_a_command_beside_what_it_prints(
    tmp_path: Path, simulator: Simulator
) -> None:
    environ = {"GROK2API_FETCH_ALLOW": "nas.lan:80"}  # is warned of
    port = free_port()
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        server = subprocess.Popen(
            [sys.executable, "-m", "grok2api"],
            cwd=ROOT,
            env=clean_environ(
                GROK2API_DATA_DIR=str(tmp_path / "data"),
                GROK2API_UPSTREAM_URL=simulator.url,
                PORT=str(port),
                WEB_CONCURRENCY="1",
                **environ,
            ),
            stdout=out,
            stderr=err,
        )
        try:
            simulator.wait_until(lambda: _serves(port), timeout_s=START_S)
            assert "GROK2API_FETCH_ALLOW: clients" in (tmp_path / "out").read_text("utf-8")
            assert (tmp_path / "err").read_text("utf-8") == ""
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=15)
    done = Operator(tmp_path / "data", **environ).try_("accounts", "export", "--format", "json")
    assert done.returncode == 0 and orjson.loads(done.stdout)["accounts"] == []
    assert "GROK2API_FETCH_ALLOW" in done.stderr
