"""Two thousand generated bodies, good, broken and absurd: never a 500, and always OpenAI's envelope.

There is no account, so that what is understood ends as 503 `no_account`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from grok2api.app import create_app
from grok2api.env import Env
from grok2api.web.api.parameters import CHAT_PARAMETERS
from grok2api.web.services import KEY
from tests.unit.chat_parameters import DONE, IGNORED, WRONG
from tests.unit.grok_streams import PATIENT

#: Stands for a value that is nested as deeply as JSON decoders let it be, and deeper.
DEEP = "\x00deep\x00"

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=8)  # lone surrogates too
WORDS = st.sampled_from(
    (
        "user", "system", "assistant", "tool", "function", "custom", "text", "refusal", "image_url", "grammar", "none",
        "auto", "required", "allowed_tools", "object", "string", "json_object", "json_schema", "c1", "weather", "",
        DEEP,
    )
)  # fmt: skip
NAMES = st.sampled_from(
    (
        *CHAT_PARAMETERS, "role", "content", "name", "type", "text", "function", "custom", "arguments", "input", "id",
        "parameters", "description", "strict", "schema", "json_schema", "format", "allowed_tools", "mode", "properties",
        "items", "$ref", "anyOf", "enum", "pattern", "required", "tool_calls", "tool_call_id", "refusal",
    )
)  # fmt: skip
NUMBERS = (
    st.sampled_from(
        (0, 1, 2, -1, 0.5, 1.0, -0.0, 2**53, 2**63, 2**64, 10**30, 10**400, 1e308, float("nan"), float("inf"))
    )
    | st.integers()
    | st.floats()
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)


def mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A good value; one in twelve is anything."""
    return st.integers(0, 11).flatmap(lambda chance: JSON if chance == 11 else good)


def fields(needed: dict[str, Any], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    made = {
        name: value if isinstance(value, st.SearchStrategy) else st.just(value)
        for name, value in needed.items()
    }
    return st.fixed_dictionaries(made, optional=optional)


NAME = mostly(st.sampled_from(("weather", "time", "run")))
TEXT = mostly(st.sampled_from(("Hello", "", "a\nb", "世界")))
SCHEMA = st.recursive(
    st.sampled_from(
        ({}, {"type": "string"}, {"type": "integer", "minimum": 0}, {"enum": ["a", 1, None]}, {"$ref": "#"})
    ),
    lambda inner: fields({"type": "object", "properties": st.dictionaries(NAMES, inner, max_size=3)}, required=JSON)
    | fields({"type": "array", "items": inner})
    | fields({"anyOf": st.lists(inner, max_size=3)}, **{"$defs": st.dictionaries(NAMES, inner, max_size=2)})
    | fields({"pattern": TEXT, "additionalProperties": inner}),
    max_leaves=5,
).flatmap(lambda schema: mostly(st.just(schema)))  # fmt: skip
CALL = fields(
    {"id": mostly(st.just("c1")), "type": "function", "function": fields({"name": NAME, "arguments": TEXT})}
) | (fields({"id": mostly(st.just("c2")), "type": "custom", "custom": fields({"name": NAME, "input": TEXT})}))
CONTENT = TEXT | st.none() | st.lists(mostly(fields({"type": "text", "text": TEXT})), max_size=3)
TURN = st.one_of(
    fields({"role": st.sampled_from(("system", "developer", "user")), "content": CONTENT}, name=NAME),
    fields(
        {"role": "assistant"}, content=CONTENT, tool_calls=mostly(st.lists(CALL, max_size=2)), refusal=TEXT
    ),
    fields({"role": "assistant", "function_call": fields({"name": NAME, "arguments": TEXT})}),
    fields({"role": "tool", "content": CONTENT, "tool_call_id": mostly(st.sampled_from(("c1", "c2")))}),
    fields({"role": "function", "content": CONTENT, "name": NAME}),
)
BEFORE: list[Any] = [
    {"role": "user", "content": "Hello"},
    {
        "role": "assistant",
        "tool_calls": [{"id": f"c{n}", "function": {"name": "f", "arguments": ""}} for n in (1, 2)],
    },
]
MESSAGES = st.lists(mostly(TURN), max_size=4).map(lambda turns: BEFORE + turns)

FUNCTION = fields({"name": NAME}, description=TEXT, parameters=SCHEMA, strict=mostly(st.booleans()))
FORMAT = fields({"type": "grammar", "grammar": fields({"syntax": "lark", "definition": TEXT})}) | st.just(
    {"type": "text"}
)
TOOL = fields({"type": "function", "function": FUNCTION}) | fields(
    {"type": "custom", "custom": fields({"name": NAME}, format=mostly(FORMAT))}
)
NAMED = st.sampled_from(("function", "custom")).flatmap(
    lambda kind: fields({"type": kind, kind: fields({"name": NAME})})
)
CHOICE = NAMED | fields(
    {"type": "allowed_tools", "allowed_tools": fields({"mode": "auto", "tools": st.lists(NAMED, max_size=3)})}
)
ANSWER_SCHEMA = fields({"name": NAME, "schema": SCHEMA}, strict=mostly(st.booleans()), description=TEXT)

#: What is made of a grammar of its own; the others take their values from the tables.
GRAMMARS: dict[str, st.SearchStrategy[Any]] = {
    "stream": st.booleans(),
    "stream_options": st.just({"include_usage": True}),
    "stop": TEXT | st.lists(TEXT, max_size=5),
    "max_tokens": st.integers(-1, 100),
    "tools": st.lists(mostly(TOOL), max_size=3),
    "tool_choice": st.sampled_from(("none", "auto", "required")) | CHOICE,
    "functions": st.lists(mostly(FUNCTION), max_size=2),
    "function_call": st.sampled_from(("none", "auto")) | fields({"name": NAME}),
    "response_format": st.sampled_from(({"type": "text"}, {"type": "json_object"}))
    | fields({"type": "json_schema", "json_schema": mostly(ANSWER_SCHEMA)}),
}


def values_of(name: str) -> st.SearchStrategy[Any]:
    if name in GRAMMARS:
        return mostly(GRAMMARS[name])
    wrong = [value for value, _ in WRONG.get(name, ())]
    good = [*IGNORED.get(name, ()), *DONE.get(name, ())]
    return st.integers(0, 15).flatmap(
        lambda n: JSON if n == 15 else st.sampled_from(wrong if wrong and n > 12 else good)
    )


PARAMETERS = sorted(set(CHAT_PARAMETERS) - {"model", "messages"})
CHOSEN = st.lists(st.sampled_from([*PARAMETERS, *GRAMMARS, *GRAMMARS]), unique=True, max_size=5).flatmap(
    lambda names: st.fixed_dictionaries({name: values_of(name) for name in names})
)
DOCUMENT = st.builds(
    lambda model, messages, chosen, more: {"model": model, "messages": messages} | chosen | more,
    mostly(st.sampled_from(("grok-4.1",) * 20 + ("gpt-9",))),
    mostly(MESSAGES),
    CHOSEN,
    st.just({}) | st.dictionaries(ANY_TEXT, JSON, max_size=2),
)


def body_of(document: object, depth: int) -> bytes:
    text = json.dumps(document)
    return text.replace(json.dumps(DEEP), "[" * depth + "]" * depth).encode()


def with_schema(name: str, value: str) -> bytes:
    """A good body with a schema that is nested as deeply as may be, where that means nothing."""
    schema = '{"x":' * 1000 + "1" + "}" * 1000
    return b'{"model":"grok-4.1","messages":[{"role":"user","content":"Hi"}],"%s":%s}' % (
        name.encode(),
        (value % schema).encode(),
    )


WHOLE = st.builds(body_of, mostly(DOCUMENT), st.sampled_from((3, 100, 990, 1010, 1030, 5000)))
BROKEN = st.builds(lambda body, cut: body[:cut], WHOLE, st.integers(0, 200)) | st.binary(max_size=50)
BODY = st.integers(0, 19).flatmap(lambda chance: BROKEN if chance == 19 else WHOLE)
KIND = st.sampled_from(("application/json",) * 30 + ("text/plain", "", "application/json;charset=latin1"))


def assert_envelope(response: TestResponse) -> None:
    """Refused in OpenAI's form, or understood, which ends without an account."""
    assert response.status_code in (400, 404, 415, 503), response.text
    assert response.content_type == "application/json"
    document = json.loads(response.data)
    assert set(document) == {"error"}
    error = document["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str) and error["message"]
    assert error["type"] == ("server_error" if response.status_code == 503 else "invalid_request_error")
    assert error["param"] is None or (isinstance(error["param"], str) and len(error["param"]) < 300)
    assert error["code"] is None or isinstance(error["code"], str)
    assert error["code"] == "no_account" or response.status_code != 503


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    app = create_app(Env(data_dir=tmp_path))
    yield app.test_client()
    app.extensions[KEY].store.close()


def test_no_body_makes_the_gateway_fail_or_forget_the_envelope(client: FlaskClient, full: bool) -> None:
    examples = 2000 if full else 1000
    seen: Counter[int] = Counter()

    @settings(PATIENT, max_examples=examples)
    @given(BODY, KIND)
    @example(
        with_schema("tools", '[{"type":"function","function":{"name":"f","parameters":%s}}]'),
        "application/json",
    )
    @example(
        with_schema("response_format", '{"type":"json_schema","json_schema":{"name":"f","schema":%s}}'),
        "application/json",
    )
    def ask(body: bytes, kind: str) -> None:
        response = client.post("/v1/chat/completions", data=body, content_type=kind)
        seen[response.status_code] += 1
        assert_envelope(response)

    ask()
    assert sum(seen.values()) >= examples
    # the bodies are not all alike: many are understood, many are not
    assert seen[503] > examples / 10 and seen[400] > examples / 10 and seen[415] and seen[404], seen
