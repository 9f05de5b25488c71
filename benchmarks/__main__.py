"""`python -m benchmarks`: starts the simulator, the gateway and nginx, measures, and stops them all."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.nginx import binary
from benchmarks.proc import LOAD_CORE, SUBJECT_CORE
from benchmarks.processes import Broken
from benchmarks.report import replace_section, save, summary, table
from benchmarks.results import Result
from benchmarks.scenarios import SCENARIOS
from tests.simulator.client import Simulator

_README = Path(__file__).with_name("README.md")


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if SUBJECT_CORE == LOAD_CORE:
        print("WARNING: only one core can be used; gateway and load disturb each other.")
    os.sched_setaffinity(0, {LOAD_CORE})
    results: list[Result] = []
    broken = False
    try:
        binary()
        for name in arguments.scenario:
            try:
                with Simulator("--no-journal") as simulator:
                    results.append(SCENARIOS[name](simulator, arguments.rounds, arguments.quick))
                print(table(results[-1]) + "\n", flush=True)
            except Broken as error:  # the others still tell something
                broken = True
                print(f"benchmarks: {name}: {error}", file=sys.stderr)
    except Broken as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if results:
            _keep(results, arguments)
    return int(broken)


def _keep(results: list[Result], arguments: argparse.Namespace) -> None:
    """The README's section is replaced by a whole run only."""
    about = machine(arguments.rounds)
    section = f"{about}\n\n{summary(results)}"
    if notes := [f"- {result.scenario}: {note}" for result in results for note in result.notes]:
        section += "\n\n" + "\n".join(" ".join(note.split()) for note in notes)
    print(section)
    if arguments.json:
        save(results, about, arguments.json)
    file = arguments.markdown
    if file is None and not arguments.quick and len(results) == len(SCENARIOS):
        file = _README
    if file is not None:
        replace_section(file, section)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure the gateway beside nginx."
    )
    parser.add_argument(
        "--scenario", type=_scenarios, default=list(SCENARIOS), metavar="NAMES",
        help=f"some of {','.join(SCENARIOS)}, with commas between them; all unless told",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=0, metavar="N", help="3 unless told, 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="small sizes, only to see that everything works")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write all figures of all rounds to FILE"
    )
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE",
        help="put the table of results into FILE; benchmarks/README.md unless told, after a whole run",
    )  # fmt: skip
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 3)
    return arguments


def _scenarios(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in SCENARIOS]:
        raise argparse.ArgumentTypeError(
            f"no scenario is called {unknown[0]!r}; there are {', '.join(SCENARIOS)}"
        )
    return names


if __name__ == "__main__":
    sys.exit(main())
