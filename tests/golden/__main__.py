"""`python -m tests.golden [NAME…]` writes `To Grok` and `Answer` of these cases, or of all, anew from a real run."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.conftest import BASIC
from tests.gateway import Gateway
from tests.golden.case import CASES, read_case
from tests.golden.play import play
from tests.simulator.client import Simulator


def main(names: list[str]) -> None:
    paths = [CASES / f"{name}.md" for name in names] or sorted(CASES.glob("*.md"))
    with (
        tempfile.TemporaryDirectory() as directory,
        Simulator() as simulator,
        Gateway(Path(directory) / "data", simulator.url) as gateway,
    ):
        for path in paths:
            simulator.reset()
            gateway.set_accounts(BASIC)
            case = read_case(path)
            path.write_text(case.with_sections(play(case, gateway, simulator)), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
