"""A golden file: read, and written with two sections made anew. Its form is described in the package."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.simulator.directives import pack
from tests.simulator.faults import HTTP_FAULTS, Envelope

CASES = Path(__file__).parent / "cases"
SECTIONS = ("Request", "To Grok", "From Grok", "Answer")

_FENCE = re.compile(r"`{3,}")
_BLOCK = re.compile(r"^(`{3,})(\w+)\n(.*?)\n?^\1$", re.MULTILINE | re.DOTALL)
_SETTINGS = re.compile(r"^Settings: `(\{.*\})`$", re.MULTILINE)
_FAULTS = {
    (fault.status, fault.code, fault.message): name
    for name, fault in reversed(HTTP_FAULTS.items())
    if isinstance(fault, Envelope)
}


@dataclass(frozen=True)
class Request:
    """What the client sends. `body`: JSON, as it stands in the file."""

    path: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Case:
    """`sections`: the text of each, without blank lines around it."""

    path: Path
    title: str
    sections: Mapping[str, str]

    @property
    def requests(self) -> list[Request]:
        return [_request(text) for kind, text in _blocks(self.sections["Request"])]

    @property
    def settings(self) -> dict[str, Any]:
        """Those that are not the defaults, by name."""
        found = _SETTINGS.search(self.sections["Request"])
        settings: dict[str, Any] = orjson.loads(found[1]) if found else {}
        return settings

    @property
    def directives(self) -> list[str]:
        """For the simulator: one per attempt."""
        return [_directive(kind, text) for kind, text in _blocks(self.sections["From Grok"])]

    def with_sections(self, made: Mapping[str, str]) -> str:
        """The whole file, with these sections in place of its own."""
        sections = {**self.sections, **made}
        parts = [f"# {self.title}", *(f"## {name}\n\n{sections[name]}" for name in SECTIONS)]
        return "\n\n".join(parts) + "\n"


def read_case(path: Path) -> Case:
    """Raises ValueError for a file that has not all sections, in order, or no title."""
    title, *lines = path.read_text("utf-8").split("\n")
    sections: dict[str, list[str]] = {}
    current = sections.setdefault("", [])
    fence = ""
    for line in lines:
        if not fence and line.startswith("## "):
            current = sections.setdefault(line.removeprefix("## "), [])
            continue
        if line == fence:
            fence = ""
        elif not fence and (found := _FENCE.match(line)):
            fence = found[0]
        current.append(line)
    if "".join(sections.pop("")) or not title.startswith("# "):
        raise ValueError(f"{path.name} does not begin with a title and a section")
    if tuple(sections) != SECTIONS:
        raise ValueError(f"{path.name} has the sections {', '.join(sections)}, not {', '.join(SECTIONS)}")
    whole = {name: "\n".join(text).strip("\n") for name, text in sections.items()}
    return Case(path, title.removeprefix("# "), whole)


def block(kind: str, text: str) -> str:
    """A fenced block, whatever is in the text."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{kind}\n{text}\n{fence}"


def _blocks(section: str) -> list[tuple[str, str]]:
    return [(kind, text) for _, kind, text in _BLOCK.findall(section)]


def _request(text: str) -> Request:
    head, _, body = text.partition("\n\n")
    start, *headers = head.split("\n")
    method, path = start.split(" ")
    if method != "POST":
        raise ValueError(f"a case can only POST, not {method}")
    return Request(path, dict(header.split(": ", 1) for header in headers), body)


def _directive(kind: str, text: str) -> str:
    if kind == "http":
        start, _, body = text.partition("\n\n")
        error = orjson.loads(body)["error"]
        return _FAULTS[int(start.split(" ")[1]), error["code"], error["message"]]
    return f"script script64={pack([['line', line] for line in text.split(chr(10))])}"
