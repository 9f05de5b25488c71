"""Commands on a terminal: a bar that moves, and a question before anything is overwritten."""

from __future__ import annotations

import os
import pty
import subprocess
from contextlib import closing
from pathlib import Path

from tests.contract.dealings import add
from tests.gateway import ROOT
from tests.process.flask_command import FLASK, Operator, contents, store_at


def on_terminal(operator: Operator, *words: str, typed: str = "") -> tuple[int, str]:
    """The exit status, and all that the terminal showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [FLASK, *words], cwd=ROOT, env=operator.environ, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the terminal's other end is closed
        pass
    os.close(ours)
    return process.wait(timeout=60), shown.decode()


def test_a_bar_and_a_question(tmp_path: Path) -> None:
    operator = Operator(tmp_path / "data")
    target = f"sqlite:///{tmp_path / 'target.db'}"
    with closing(store_at(operator.url)) as store:
        add(store, 30)
    status, shown = on_terminal(operator, "storage", "copy", operator.url, target)
    assert status == 0 and "#" in shown and "30/30" in shown
    with closing(store_at(operator.url)) as store:
        add(store, 1, name="later")
    command = ("storage", "copy", "--overwrite", operator.url, target)
    status, shown = on_terminal(operator, *command, typed="n\n")
    assert status == 1 and "Forget the 30 accounts" in shown and "Aborted" in shown
    assert len(contents(target)[0]) == 30
    assert on_terminal(operator, *command, typed="y\n")[0] == 0
    assert len(contents(target)[0]) == 31
    status, shown = on_terminal(operator, *command, "--yes")
    assert status == 0 and "Forget" not in shown
