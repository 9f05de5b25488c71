"""Starting `python -m grok2api`: what it says, how fast, and one clear line when it cannot."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.full import only_full
from tests.gateway import BY_HAND, ROOT, Gateway, clean_environ, free_port
from tests.redis_server import RedisServer
from tests.simulator.client import Simulator


def _start(**environ: str) -> subprocess.CompletedProcess[str]:
    """A start that must fail by itself."""
    return subprocess.run(
        [sys.executable, "-m", "grok2api"],
        cwd=ROOT,
        env=clean_environ(**environ),
        capture_output=True,
        text=True,
        timeout=30,
    )


def _one_line(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 1, run
    assert run.stdout == ""
    [line] = run.stderr.splitlines()
    assert line.startswith("grok2api: ")
    return line


def test_a_taken_port_is_one_line_and_exit_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = _one_line(_start(GROK2API_DATA_DIR=str(tmp_path), PORT=str(port)))
    assert f"port {port}" in line and "PORT" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        only_full("PORT", "70000"),
        only_full("WEB_CONCURRENCY", "0"),
        only_full("TRUSTED_PROXIES", "-1"),
        only_full("STORAGE_MODE", "postgres"),
        ("STORAGE_MODE", "redis"),
        ("DATABASE_URL", "mysql://x"),
        only_full("GROK2API_UPSTREAM_URL", "grok.com"),
        ("HOST", "no.such.host.invalid"),
    ],
)
def test_a_malformed_variable_is_one_line_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    environ = {"GROK2API_DATA_DIR": str(tmp_path), "PORT": str(free_port()), name: value}
    assert name in _one_line(_start(**environ))


def test_a_data_directory_that_cannot_be_made_or_is_no_directory_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "below", Path("/proc/nowhere"), tmp_path / "file"):
        line = _one_line(_start(GROK2API_DATA_DIR=str(place), PORT=str(free_port())))
        assert str(place) in line


def test_a_log_directory_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    line = _one_line(_start(GROK2API_DATA_DIR=str(tmp_path), PORT=str(free_port()), LOG_DIR="/proc/nowhere"))
    assert "LOG_DIR" in line


def test_the_database_can_be_read_by_its_owner_alone(tmp_path: Path, simulator: Simulator) -> None:
    with Gateway(tmp_path / "data", simulator.url, command=BY_HAND) as gateway:
        gateway.set_accounts(["sim-basic-ok-a"])
        files = list((tmp_path / "data").glob("grok2api.db*"))
        assert len(files) == 3  # the database, its log, its index
        assert [path.stat().st_mode & 0o077 for path in files] == [0, 0, 0]
        said = gateway.log()
        assert f"GROK2API_DATA_DIR={tmp_path / 'data'} " in said  # the commands it names act on this database


def test_a_broken_models_toml_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text('[models."x"]\ncost = "many"\n')
    line = _one_line(_start(GROK2API_DATA_DIR=str(tmp_path), PORT=str(free_port())))
    assert "models.toml" in line and "cost" in line


def test_a_first_start_says_what_to_do_and_a_second_is_fast(tmp_path: Path, simulator: Simulator) -> None:
    with Gateway(tmp_path / "data", simulator.url, command=BY_HAND) as first:
        said = first.log()
        assert f"http://127.0.0.1:{first.port}/v1" in said
        assert "admin/admin" in said
        assert "There are no accounts yet" in said and "flask accounts add" in said
    began = time.monotonic()
    with Gateway(tmp_path / "data", simulator.url, command=BY_HAND):
        assert time.monotonic() - began < 25  # 5 s are promised


def test_the_commands_it_names_work_and_show_no_secret(tmp_path: Path, simulator: Simulator) -> None:
    key = "a key that nobody is to see"
    with (
        RedisServer(password="p@ss s3same/%") as redis,
        Gateway(
            tmp_path / "data",
            simulator.url,
            command=BY_HAND,
            STORAGE_MODE="redis",
            DATABASE_URL=redis.url(),
            SECRET_KEY=key,
        ) as gateway,
    ):
        said = gateway.log()
        assert "s3same" not in said and key not in said and redis.url() not in said
        assert "same DATABASE_URL and SECRET_KEY as this server" in said
        command = said.partition("Change it: ")[2].splitlines()[0]
        assert "STORAGE_MODE=redis " in command
        given = {"DATABASE_URL": redis.url(), "SECRET_KEY": key}
        subprocess.run(
            command, shell=True, cwd=ROOT, env=clean_environ(**given), input="a new one\n", text=True, check=True,
            capture_output=True, timeout=30,
        )  # fmt: skip
        body = {"username": "admin", "password": "a new one"}
        time.sleep(1)
        assert gateway.post("/api/login", body).status_code == 200


def test_models_toml_adds_a_model_that_can_be_used(tmp_path: Path, simulator: Simulator) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "models.toml").write_text('[models."grok-5"]\nmode_id = "fast"\naliases = ["gpt-5"]\n')
    with Gateway(data, simulator.url) as gateway:
        gateway.set_accounts(["sim-basic-ok-a"])
        answer = gateway.chat("Hello", model="gpt-5").json()
        assert answer["model"] == "gpt-5"
    [seen] = simulator.chats()
    assert seen["body"]["modeId"] == "fast"
    assert "modelName" not in seen["body"]


def test_gunicorn_alone_also_says_it_and_stops(tmp_path: Path) -> None:
    """For those who start it without `python -m grok2api`: it must not try again for ever."""
    run = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"],
        cwd=ROOT,
        env=clean_environ(STORAGE_MODE="redis", PORT=str(free_port()), GROK2API_DATA_DIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode != 0
    assert "grok2api: DATABASE_URL: with STORAGE_MODE=redis" in run.stderr


def test_the_demo_streams_the_answer_of_its_printed_curl_and_ctrl_c_stops_all(tmp_path: Path) -> None:
    port = str(free_port())
    demo = subprocess.Popen(
        [sys.executable, "-m", "tests.simulator.demo"],
        cwd=ROOT,
        env=clean_environ(PORT=port, GROK2API_DATA_DIR=str(tmp_path / "demo")),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stdout is not None
        said = ""
        while "-d '" not in said:
            line = demo.stdout.readline()
            assert line, said
            said += line
        command = said[said.index("curl -N") :]
        shown = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
        assert shown.stdout.rstrip().endswith("data: [DONE]")
        assert shown.stdout.count("data: ") > 10
        children = _descendants(demo.pid)
        assert len(children) >= 4  # the simulator, gunicorn, its workers
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=30) == 0
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    finally:
        demo.kill()
        demo.communicate()


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *_descendants(int(child))]
    return found


def test_flask_commands_work_in_the_checkout(tmp_path: Path) -> None:
    environ = clean_environ(GROK2API_DATA_DIR=str(tmp_path))
    flask = [str(Path(sys.executable).with_name("flask"))]

    def run(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            flask + list(words),
            cwd=ROOT,
            env=environ,
            input=given,
            capture_output=True,
            text=True,
            timeout=30,
        )

    added = run("accounts", "add", given="sso=sim-basic-ok-longenough1\n\nsim-basic-ok-longenough2\n")
    assert (added.returncode, added.stdout.strip()) == (0, "2 added, 0 known already, 0 moved, 0 invalid.")
    (tmp_path / "more.txt").write_text("sim-basic-ok-longenough2\nsim-super-ok-longenough3\nno secret!\n")
    more = run("accounts", "add", "--super", str(tmp_path / "more.txt"))
    assert (more.returncode, more.stdout.strip()) == (1, "1 added, 0 known already, 1 moved, 1 invalid.")
    listed = run("accounts", "list").stdout
    assert "3 accounts: 3 unused" in listed
    assert "sim-basic-ok-longenough1" not in listed and "sim-…ugh1" in listed
    assert run("admin", "set-password", "--password", "new").returncode == 0
    wrong = run("accounts", "add", str(tmp_path / "nothing"))
    assert wrong.returncode == 2 and "nothing" in wrong.stderr
    environ["STORAGE_MODE"] = "nowhere"
    refused = run("accounts", "list")
    assert refused.returncode != 0
    assert "STORAGE_MODE" in refused.stderr and "Traceback" not in refused.stderr


def test_a_password_set_by_command_ends_sessions_and_opens_the_console(
    tmp_path: Path, simulator: Simulator
) -> None:
    with Gateway(tmp_path / "data", simulator.url) as gateway:
        gateway.admin("/api/tokens/add", {"tokens": [], "token_type": "sso"})
        flask = str(Path(sys.executable).with_name("flask"))
        command = [flask, "admin", "set-password", "--password", "a new one"]
        subprocess.run(command, cwd=ROOT, env=gateway.environ, check=True, capture_output=True, timeout=30)
        time.sleep(1)
        bearer = {"Authorization": f"Bearer {gateway.token}"}
        assert requests.get(f"{gateway.url}/api/settings", headers=bearer, timeout=10).status_code == 401
        old = gateway.post("/api/login", {"username": "admin", "password": "admin"})
        assert old.status_code == 401
        body = {"username": "admin", "password": "a new one"}
        assert gateway.post("/api/login", body, **{"X-Forwarded-For": "8.8.8.8"}).status_code == 200
        [(stored,)] = gateway.sql("SELECT value FROM settings WHERE name='admin_password'")
        assert "a new one" not in stored


def test_a_read_only_database_file_is_one_line(tmp_path: Path) -> None:
    """Root may write anywhere, so what is read-only here is the file system's own: /proc."""
    line = _one_line(_start(DATABASE_URL="sqlite:////proc/version", PORT=str(free_port())))
    assert "/proc" in line
