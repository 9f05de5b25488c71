"""docker-compose.yml and .env.example: valid, of one mind with the code and the image, and the commands in them run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import yaml
from redis.exceptions import RedisError

from grok2api.env import Env
from tests.debian import need
from tests.deploy import image
from tests.deploy.gateway_source import graceful_timeout_s, known_variables
from tests.gateway import ROOT, free_port
from tests.nginx import SITE, config

COMPOSE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
#: What Compose itself reads.
_OF_COMPOSE = {"COMPOSE_PROFILES"}
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def services(environ: Mapping[str, str]) -> dict[str, Any]:
    """With this `.env`, as Compose fills it in: `${NAME}` and `${NAME:-default}` in strings; `$$` is a dollar."""

    def filled(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: filled(value) for key, value in node.items()}
        if isinstance(node, list):
            return [filled(value) for value in node]
        if isinstance(node, str):
            return _VARIABLE.sub(lambda name: environ.get(name[1]) or name[2] or "", node).replace("$$", "$")
        return node

    found: dict[str, Any] = filled(yaml.safe_load(COMPOSE.read_text())["services"])
    return found


def example(*sections: str) -> dict[str, str]:
    """A `.env` of the general part and of these sections, all lines taken; what is empty there is `made-up`."""
    environ: dict[str, str] = {}
    for number, section in enumerate(EXAMPLE.read_text().split("\n# --- ")):
        if not number or section.startswith(sections):
            for name, value in re.findall(r"^# ([A-Z0-9_]+)=(.*)$", section, re.MULTILINE):
                environ[name] = _VARIABLE.sub(lambda found: environ[found[1]], value) or "made-up"
    return environ


def seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text[:-1])


def test_it_is_valid() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    told = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", COMPOSE],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_gateway_is_given_what_it_reads_and_is_where_others_look() -> None:
    gateway = services({})["grok2api"]
    assert set(gateway["environment"]) <= known_variables()
    assert Env.from_environ(image.environment() | gateway["environment"]) == Env.from_environ(
        image.environment()
    )  # without .env it is as the image alone
    port = image.value_of("EXPOSE")
    assert gateway["ports"] == [f"127.0.0.1:8000:{port}"]
    assert [volume.partition(":")[2] for volume in gateway["volumes"]] == image.volumes()
    assert gateway["healthcheck"]["test"] == ["CMD", *image.command_of("HEALTHCHECK")]
    for service in gateway, services({})["nginx"]:
        assert seconds(service["stop_grace_period"]) > graceful_timeout_s()
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert all("no-new-privileges:true" in one["security_opt"] for one in services({}).values())


def test_images_are_pinned_to_a_minor_version() -> None:
    images = [service["image"] for service in services({}).values()]
    assert all(re.fullmatch(r"\w+:\d+\.\d+", image) for image in images), images


def test_every_variable_of_it_is_in_the_example_and_the_other_way_round() -> None:
    used = {name for name, _ in _VARIABLE.findall(COMPOSE.read_text())}
    assert used | _OF_COMPOSE == set(re.findall(r"^# ([A-Z0-9_]+)=", EXAMPLE.read_text(), re.MULTILINE))


@pytest.mark.parametrize(("section", "profile", "port"), [("MySQL", "mysql", 3306), ("Redis", "redis", 6379)])
def test_a_storage_is_used_by_the_gateway_with_the_lines_of_the_example(
    section: str, profile: str, port: int
) -> None:
    environ = example(section)
    assert environ["COMPOSE_PROFILES"] == profile
    all_of_them = services(environ)
    env = Env.from_environ(all_of_them["grok2api"]["environment"])
    url = urlsplit(env.database_url)
    assert (env.storage_mode, url.hostname, url.port) == (profile, profile, port)
    server = all_of_them[profile]
    assert server["profiles"] == [profile]
    assert server["environment"]["GATEWAY_STORAGE"] == profile
    if profile == "mysql":
        names = ("MARIADB_USER", "MARIADB_PASSWORD", "MARIADB_DATABASE")
        assert [url.username, url.password, url.path[1:]] == [server["environment"][name] for name in names]
    else:
        assert server["command"][-1] == url.password == server["environment"]["REDISCLI_AUTH"]
    assert all_of_them["grok2api"]["depends_on"][profile]["condition"] == "service_healthy"


@pytest.mark.parametrize("profile", ["mysql", "redis"])
def test_a_storage_that_the_gateway_would_not_use_never_gets_healthy(profile: str, tmp_path: Path) -> None:
    """Where its own check would say that it is."""
    for program, word in (("healthcheck.sh", "yes"), ("redis-cli", "PONG")):
        (tmp_path / program).write_text(f"#!/bin/sh\necho {word}\n")
        (tmp_path / program).chmod(0o755)
    kind, check = services({})[profile]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    statuses = [
        subprocess.run(
            ["/bin/sh", "-c", check],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", "GATEWAY_STORAGE": storage},
            stdout=subprocess.DEVNULL,
            timeout=30,
        ).returncode
        for storage in ("file", profile)
    ]
    assert statuses == [1, 0]


@pytest.mark.parametrize("password", ["", "made-up"])
def test_its_redis_keeps_everything_and_takes_the_password(password: str, tmp_path: Path) -> None:
    service = services({"REDIS_PASSWORD": password, "STORAGE_MODE": "redis"})["redis"]
    program, *options = service["command"]
    port = free_port()
    command = [need(program, "redis-server"), *options, "--port", str(port), "--bind", "127.0.0.1"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port, password=password or None) as client:
            until = time.monotonic() + 20
            while True:
                try:
                    client.ping()
                    break
                except RedisError:
                    assert time.monotonic() < until
                    time.sleep(0.05)
            assert client.config_get("appendonly", "maxmemory-policy") == {
                "appendonly": "yes",
                "maxmemory-policy": "noeviction",
            }
        check = service["healthcheck"]["test"][1].replace("redis-cli", f"redis-cli -p {port}")
        environ = {"PATH": "/usr/bin:/bin", **service["environment"]}
        assert subprocess.run(["/bin/sh", "-c", check], env=environ, timeout=30).returncode == 0
    finally:
        process.terminate()
        process.wait(30)


def test_its_nginx_makes_a_site_that_nginx_takes(tmp_path: Path) -> None:
    service = services(example("nginx"))["nginx"]
    shell, option, line = service["command"]
    line = line.replace("/etc/nginx/grok2api.conf", shlex.quote(str(SITE)))
    line, started, _ = line.replace("/etc/nginx/conf.d/default.conf", str(tmp_path / "site")).partition(
        "exec nginx"
    )
    assert started
    subprocess.run([shell, option, line], check=True, timeout=30)
    text = (tmp_path / "site").read_text()
    assert re.findall(r"^ +(?:server|listen) [^;{]*", text, re.MULTILINE) == [
        "    server grok2api:8000 max_fails=0",
        "    listen 80",
    ]
    assert f"{image.value_of('EXPOSE')} max_fails" in text
    assert service["ports"] == ["80:80"]
    text = text.replace("grok2api:8000", "127.0.0.1:8000").replace("listen 80;", f"listen {free_port()};")
    command = config(tmp_path, text.replace("/var/log/nginx/", f"{tmp_path}/"))
    assert subprocess.run([*command, "-t"], capture_output=True, timeout=30).returncode == 0
    gateway = services(example("nginx"))["grok2api"]["environment"]
    assert gateway["TRUSTED_PROXIES"] == "1"
