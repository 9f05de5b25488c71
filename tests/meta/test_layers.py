"""The drawing of the layers holds: who may import whom (see the contracts in pyproject.toml)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.gateway import ROOT


def test_imports_point_down() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr


def test_only_the_server_patches() -> None:
    patching = [
        str(path.relative_to(ROOT))
        for path in [*(ROOT / "grok2api").rglob("*.py"), *ROOT.glob("*.py")]
        if "monkey.patch_all()" in path.read_text()
    ]
    assert patching == ["gunicorn.conf.py"]
    lines = (ROOT / "gunicorn.conf.py").read_text().splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert imports[0] == "from gevent import monkey"
    assert lines.index("monkey.patch_all()") < lines.index(imports[1])


def test_the_environment_is_read_in_one_place() -> None:
    reading = [path.name for path in (ROOT / "grok2api").rglob("*.py") if "os.environ" in path.read_text()]
    assert reading == ["env.py"]
