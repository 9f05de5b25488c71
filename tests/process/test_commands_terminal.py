"""Commands on a terminal: a bar that moves, and a question before anything is overwritten."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from contextlib import closing
from pathlib import Path

from tests.contract.dealings import add
from tests.gateway import ROOT
from tests.process.flask_command import FLASK, Operator, contents, store_at


def on_terminal(operator: Operator, *words: str, typed: str = "") -> tuple[int, str]:
    """The exit status, and all that the terminal showed. typed: a line for each question."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [FLASK, *words], cwd=ROOT, env=operator.environ, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    answers = typed.encode().splitlines(keepends=True)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
            if shown.endswith(b": ") and answers:
                os.write(ours, answers.pop(0))
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


def test_passwords_and_keys_are_asked_for_twice_and_not_shown(tmp_path: Path) -> None:
    operator = Operator(tmp_path / "data")
    secret = "a secret of ours\n"
    for command in (("admin", "set-password"), ("storage", "rekey")):
        status, shown = on_terminal(operator, *command, typed=f"{secret}another one\n{secret}{secret}")
        assert status == 0 and "do not match" in shown and "secret of ours" not in shown
    assert "admin_password" in contents(operator.url, secret.strip())[1]


def test_taking_in_many_shows_how_far_it_is(tmp_path: Path) -> None:
    lines = tmp_path / "lines"
    lines.write_text("\n".join(f"one-of-many-{n:05}" for n in range(2500)))
    operator = Operator(tmp_path / "data")
    status, shown = on_terminal(operator, "accounts", "add", str(lines))
    assert status == 0 and "1000/2500" in shown and "2500/2500" in shown and "2500 added" in shown
    status, shown = on_terminal(operator, "accounts", "export", str(tmp_path / "export"))
    assert status == 0 and "2500/2500" in shown
    tokens = {f"another-of-many-{n:05}": None for n in range(2500)}
    (tmp_path / "token.json").write_text(json.dumps({"ssoNormal": tokens}))
    status, shown = on_terminal(operator, "storage", "import-legacy", str(tmp_path))
    assert status == 0 and "2500/2500" in shown and "2500 added" in shown
