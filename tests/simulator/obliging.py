"""Answers to prompts without a directive that do as they are told: a call of the client's tool, or JSON.

They know the transcripts of `grok2api/services/prompt.py` and the instructions of `grok2api/services/instructions.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

_HEADING = re.compile(r"(?:\A|(?<=\n\n))\[(system|user|assistant|tool)(?:: [^\]\n]*)?\](?:\n|\Z)")
_TOOLS = re.compile(r"never make up a result\. (.*)\n\nThe tools:\n(\{.*\})")
_MUST = "In this answer you must call "
_JSON = re.compile(
    r"(?:^|otherwise: )Answer with one JSON (?:object|document) in strict JSON and nothing else: no words around it, "
    r"no code fence\.(?: It fits this JSON schema.*:\n(\{.*\}))?",
    re.M,
)
_WORD = re.compile(r"\w+")
_QUOTED_MAX = 100
#: Deeper parts of a schema, which may contain itself, become null.
_DEPTH_MAX = 12

Schema = Mapping[str, Any]


class Answer(NamedTuple):
    """bare: a JSON document, beside which nothing may stand."""

    text: str
    bare: bool = False


def turns(message: str) -> list[tuple[str, str]]:
    """Role and text of each turn; a message that is no transcript is one of the user."""
    if _HEADING.match(message) is None:
        return [("user", message)]
    _, *parts = _HEADING.split(message)
    return [(role, text.strip()) for role, text in zip(parts[::2], parts[1::2], strict=True)]


def last_words(message: str) -> str:
    """What the user said last."""
    said = turns(message)
    return next((text for role, text in reversed(said) if role == "user"), said[-1][1]).strip()


def quote(text: str) -> str:
    return f"\u201c{' '.join(text[:_QUOTED_MAX].split())}\u201d"


def oblige(message: str) -> Answer | None:
    """The answer to a transcript with tools or a wish for JSON; None where any text will do."""
    said = turns(message)
    told = "\n\n".join(text for role, text in said if role == "system")
    tools, wish = _last(_TOOLS, told), _last(_JSON, told)
    if tools is None and wish is None:
        return None
    kind, text = next((turn for turn in reversed(said) if turn[0] in ("user", "tool")), said[-1])
    words = _WORD.findall(last_words(message))
    word = words[-1] if words else "example"
    if tools is not None and (kind != "tool" or tools[1].startswith(_MUST)):
        return Answer(_call(orjson.loads(tools[2]), word))
    said_about = f"The tool answered: {quote(text)}" if kind == "tool" else f"You wrote: {quote(text)}"
    if wish is None:
        return Answer(f"{said_about}. That is all that a simulator can say about it.")
    document = example(orjson.loads(wish[1]), word) if wish[1] else {"answer": f"{said_about}."}
    return Answer(orjson.dumps(document).decode(), bare=True)


def example(schema: Any, word: str, root: Any = None, depth: int = 0) -> Any:
    """A small value that fits an ordinary schema; `word` is what strings become."""
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > _DEPTH_MAX:
        return None
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    match _kind(schema):
        case "object":
            known = schema.get("properties", {})
            names = schema.get("required", ())
            return {
                name: example(known.get(name, {"type": "string"}), word, root, depth + 1) for name in names
            }
        case "array":
            item = example(schema.get("items", {"type": "string"}), word, root, depth + 1)
            return [item] * max(1, schema.get("minItems", 1))
        case "integer":
            return _within(1, schema.get("minimum"), schema.get("maximum"))
        case "number":
            return _within(1.5, schema.get("minimum"), schema.get("maximum"))
        case "boolean":
            return True
        case "null":
            return None
    return word.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The client may have written the like, but ours comes behind it."""
    return next(reversed(list(pattern.finditer(text))), None)


def _call(tool: dict[str, Any], word: str) -> str:
    call = {"name": tool["name"], "arguments": example(tool["parameters"], word) or {}}
    return f"Let me ask {tool['name']}.\n<tool_call>\n{orjson.dumps(call).decode()}\n</tool_call>"


def _resolved(schema: Schema, root: Any) -> Schema:
    """The schema with its `$ref` followed and the first of its alternatives taken."""
    for _ in range(_DEPTH_MAX):
        rest = dict(schema)
        if isinstance(path := rest.pop("$ref", None), str):
            target = root
            for key in path.removeprefix("#").strip("/").split("/") if path != "#" else ():
                target = _object(target).get(key.replace("~1", "/").replace("~0", "~"))
            schema = {**_object(target), **rest}
        elif alternatives := rest.pop("anyOf", None) or rest.pop("oneOf", None):
            schema = {**rest, **_object(next((a for a in alternatives if a != {"type": "null"}), None))}
        elif parts := rest.pop("allOf", None):
            schema = {**rest, **{key: value for part in parts for key, value in _object(part).items()}}
        else:
            break
    return schema


def _object(value: Any) -> Schema:
    return value if isinstance(value, dict) else {}


def _kind(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return str(next((name for name in kind if name != "null"), "null"))
    return str(kind or ("object" if "properties" in schema else "array" if "items" in schema else "string"))


def _within(value: float, least: float | None, most: float | None) -> float:
    if least is not None and value < least:
        value = least
    return most if most is not None and value > most else value
