"""A thousand generated bodies for `/v1/responses`: never a 500, and always OpenAI's envelope."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.web.api.parse_responses import RESPONSE_PARAMETERS
from tests.api.test_generated_bodies import (
    ANSWER_SCHEMA,
    FORMAT,
    FUNCTION,
    JSON,
    NAME,
    TEXT,
    assert_envelope,
    body_of,
    client,
    fields,
    mostly,
)
from tests.unit.grok_streams import PATIENT

__all__ = ["client"]  # the fixture

PART = fields({"type": st.sampled_from(("input_text", "output_text", "text")), "text": TEXT}) | fields(
    {"type": "refusal", "refusal": TEXT}
)
CONTENT = TEXT | st.lists(mostly(PART), max_size=3)
ITEM = st.one_of(
    fields({"role": st.sampled_from(("system", "developer", "user", "assistant")), "content": CONTENT}),
    fields({"type": "function_call", "call_id": "c1", "name": NAME, "arguments": TEXT}),
    fields({"type": "custom_tool_call", "call_id": "c2", "name": NAME, "input": TEXT}),
    fields({"type": "function_call_output", "call_id": mostly(st.just("c1")), "output": CONTENT}),
    fields({"type": "reasoning", "summary": st.just([])}),
    fields({"type": "item_reference", "id": mostly(st.just("msg_1-0"))}),
)
BEFORE: list[Any] = [{"role": "user", "content": "Hello"}]
TOOL = (
    FUNCTION.map(lambda tool: {"type": "function"} | tool)
    | fields({"type": "custom", "name": NAME}, format=mostly(FORMAT))
    | st.just({"type": "web_search"})
)
CHOICE = st.sampled_from(("none", "auto", "required")) | fields({"type": "function", "name": NAME})
GRAMMARS: dict[str, st.SearchStrategy[Any]] = {
    "instructions": TEXT,
    "max_output_tokens": st.integers(-1, 50),
    "tools": st.lists(mostly(TOOL), max_size=3),
    "tool_choice": CHOICE,
    "text": fields({"format": ANSWER_SCHEMA.map(lambda wanted: {"type": "json_schema"} | wanted)}),
    "reasoning": fields({}, effort=st.sampled_from(("none", "low")), summary=st.just("auto")),
    "stream": st.booleans(),
    "store": st.booleans(),
    "previous_response_id": st.sampled_from(("resp_" + "0" * 32, "resp_x", "")),
    "metadata": st.just({"a": "b"}),
}
CHOSEN = st.lists(
    st.sampled_from([*sorted(RESPONSE_PARAMETERS.keys() - {"model", "input"}), *GRAMMARS, *GRAMMARS]),
    unique=True,
    max_size=4,
).flatmap(lambda names: st.fixed_dictionaries({name: mostly(GRAMMARS.get(name, JSON)) for name in names}))
DOCUMENT = st.builds(
    lambda model, given, chosen: {"model": model, "input": given} | chosen,
    mostly(st.sampled_from(("grok-4.1",) * 20 + ("gpt-9",))),
    mostly(TEXT | st.lists(mostly(ITEM), max_size=4).map(lambda items: BEFORE + items)),
    CHOSEN,
)
BODY = st.builds(body_of, mostly(DOCUMENT), st.sampled_from((3, 100, 260, 990, 1030)))


def test_no_body_makes_the_gateway_fail_or_forget_the_envelope(client: FlaskClient, full: bool) -> None:
    examples = 1000 if full else 500
    seen: Counter[int] = Counter()

    @settings(PATIENT, max_examples=examples)
    @given(BODY)
    def ask(body: bytes) -> None:
        response = client.post("/v1/responses", data=body, content_type="application/json")
        seen[response.status_code] += 1
        assert_envelope(response)

    ask()
    assert seen[503] > examples / 10 and seen[400] > examples / 10, seen
