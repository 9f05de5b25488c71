"""The Lua scripts beside this module: one operation a file, each run by the server as a whole.

The first line of a script, `-- parts: a b`, names the files of `lua/parts` that come before it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from grok2api.storage.redis.keys import prelude

_LUA = Path(__file__).with_name("lua")
_PARTS = "-- parts:"


@dataclass(frozen=True)
class Script:
    """sha: what the server knows the text by."""

    text: str
    sha: str


@cache
def script(name: str) -> Script:
    """The operation of this name, with all that it needs."""
    operation = (_LUA / f"{name}.lua").read_text("utf-8")
    first = operation.partition("\n")[0]
    parts = first.removeprefix(_PARTS).split() if first.startswith(_PARTS) else []
    texts = [(_LUA / "parts" / f"{part}.lua").read_text("utf-8") for part in parts]
    text = "\n".join([prelude(), *texts, operation])
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
