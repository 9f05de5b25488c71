"""Runs one client's cases, in that client's own environment: `python -P runner.py tests/clients/FAMILY/client.py`.

Each line of standard input is a JSON object: `case`, the name of a function of the client's script, and that
function's arguments: `url` (with /v1), `key`, `model`, `prompt` and what the case needs. The function gets them as
attributes of one object, which also has `wait`: it runs a coroutine, all of them in one event loop.

Each answer is one line of JSON: what the function returned, with `warnings`, what the client complained of; or
`error`, what it raised: `classes` (its own first), `status`, `code`, `message`, `traceback`.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("client", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["client"] = module  # annotations of its functions are looked up there
    spec.loader.exec_module(module)
    return module


class Complaints(logging.Handler):
    """Collects warnings, and what is logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.name}: {record.getMessage()}")


@contextlib.contextmanager
def complaints(client: ModuleType) -> Iterator[list[str]]:
    """What it complains of, but for what its script says is harmless, and what concerns its own authors."""
    handler = Complaints()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for kind in (ResourceWarning, DeprecationWarning, PendingDeprecationWarning):
            warnings.simplefilter("ignore", kind)
        for words in getattr(client, "HARMLESS", ()):
            warnings.filterwarnings("ignore", words)
        logging.getLogger().addHandler(handler)
        try:
            yield handler.texts
        finally:
            logging.getLogger().removeHandler(handler)
            handler.texts += [f"{one.category.__name__}: {one.message}" for one in caught]


def describe(error: BaseException) -> dict[str, Any]:
    return {
        "classes": [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__],
        "status": getattr(error, "status_code", None),
        "code": getattr(error, "code", None),
        "message": str(error),
        "traceback": "".join(traceback.format_exception(error, limit=-5)),
    }


def run(client: ModuleType, loop: asyncio.Runner, asked: dict[str, Any]) -> dict[str, Any]:
    with complaints(client) as heard:
        try:
            case = getattr(client, asked.pop("case"))
            seen: dict[str, Any] = case(SimpleNamespace(**asked, wait=loop.run))
        except Exception as error:
            seen = {"error": describe(error)}
    return seen | {"warnings": heard}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a client prints goes to the log
    client = load(Path(sys.argv[1]))
    with asyncio.Runner() as loop:
        for line in sys.stdin:
            print(json.dumps(run(client, loop, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
