"""The Dockerfile: what lint says, what comes into the image, and the image's own commands, run without an engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import requests

from grok2api import __version__
from grok2api.env import Env
from tests.deploy import image
from tests.deploy.container import Container
from tests.simulator.client import Simulator, directive

TOP = {"grok2api", "static", "templates", "gunicorn.conf.py", "requirements.txt", "wsgi.py"}


def test_hadolint_has_nothing_to_say() -> None:
    told = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "--no-color", image.DOCKERFILE],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_build_sees_what_it_takes_and_nothing_else() -> None:
    assert {path.split("/")[0] for path in image.context()} == TOP
    assert image.ignored("grok2api/web/__pycache__/ops.cpython-311.pyc")
    assert image.ignored("grok2api/old.pyc") and image.ignored("static/x/__pycache__/y")
    assert image.ignored(".env") and image.ignored("instance/grok2api.db")
    assert not image.ignored("grok2api/web/ops.py")


def test_it_says_what_it_is_and_where_things_are() -> None:
    assert f'image.version="{__version__}"' in image.DOCKERFILE.read_text()
    env = Env.from_environ(image.environment())
    assert [str(env.data_dir), str(env.log_dir)] == image.volumes() == ["/app/data", "/app/logs"]
    assert (env.host, str(env.port)) == ("0.0.0.0", image.value_of("EXPOSE"))
    assert all(image.user())


def test_both_stages_are_of_one_python() -> None:
    """Else the packages that the first one installs would not be found."""
    bases = re.findall(r"^FROM (\S+)", image.DOCKERFILE.read_text(), re.MULTILINE)
    assert len(bases) == 2 and len(set(bases)) == 1


def test_it_serves_from_a_read_only_root_as_nobody_and_stops_when_told(
    tmp_path: Path, simulator: Simulator
) -> None:
    place = {"GROK2API_UPSTREAM_URL": simulator.url, "GROK2API_ASSETS_URL": simulator.url}
    with Container(tmp_path, **place) as container:
        container.wait_healthy()
        # All that the image is said to hold is there, readable for its user, and cannot be written to.
        found = container.execute(
            ["find", "/app", "-xdev", "-type", "f", "!", "-name", "*.pyc"]
        ).stdout.split()
        brought = set(image.context()) - {"requirements.txt"}
        assert {path.removeprefix("/app/") for path in found} == brought
        for folder in ("/", "/app", "/app/grok2api", "/opt/venv", "/etc", "/usr"):
            assert container.execute(["touch", f"{folder}/new"]).returncode != 0, folder
        assert container.execute(["touch", "/app/grok2api/app.py"]).returncode != 0
        # The commands of the README.
        added = container.execute(["flask", "accounts", "add"], stdin="sim-basic-ok-1\n")
        assert added.returncode == 0, added.stderr
        body = {"model": "grok-4.1", "messages": [{"role": "user", "content": directive("images")}]}
        answer = requests.post(f"{container.url}/v1/chat/completions", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        link = re.findall(r"\((http[^)]+)\)", answer.json()["choices"][0]["message"]["content"])[0]
        assert requests.get(link, timeout=60).content.startswith(b"\xff\xd8")
        assert container.execute(["cat", "/proc/1/comm"]).stdout.strip() in ("gunicorn", "python")
        # What the workers count, for /metrics; nothing else is written there.
        made = ["find", "/tmp", "/dev/shm", "-mindepth", "1", "-maxdepth", "1", "-user", str(image.user()[0])]
        kept = container.execute(made).stdout.split()
        assert ["grok2api-metrics-" in path for path in kept] == [True], kept
        assert container.stop() == 0
    assert {path.name for path in container.data.iterdir()} >= {"grok2api.db", "cache"}
    assert [path.name for path in container.logs.iterdir()] == ["grok2api.log"]
    printed = container.output.read_text() + (container.logs / "grok2api.log").read_text()
    assert "Read-only" not in printed and "Traceback" not in printed
