"""POST /v1/responses and what is stored of it, over real processes and two workers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from typing import Any

import openai
import orjson
import pytest
import requests

from tests.gateway import Gateway
from tests.simulator.client import Simulator, directive
from tests.simulator.directives import pack

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": True,
}
SCALAR = {"type": "json_schema", "name": "n", "schema": {"type": "string"}}
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'


def says(text: str) -> str:
    return directive("plain", answer=pack(text))


def create(gateway: Gateway, prompt: Any, key: str = "", **more: Any) -> requests.Response:
    body = {"model": "grok-4.1", "input": prompt, **more}
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return gateway.post("/v1/responses", body, **headers)


def created(gateway: Gateway, prompt: Any, **more: Any) -> Any:
    answer = create(gateway, prompt, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _nested(levels: int) -> Any:
    return orjson.loads("[" * levels + "]" * levels)


def text_of(response: Any) -> str:
    return "".join(
        part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"]
    )


def get(gateway: Gateway, path: str, key: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return gateway.session.get(f"{gateway.url}/v1/responses/{path}", headers=headers, timeout=10)


def delete(gateway: Gateway, path: str, key: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return gateway.session.delete(f"{gateway.url}/v1/responses/{path}", headers=headers, timeout=10)


def test_a_response_is_made_and_found_again_on_every_worker(gateway: Gateway) -> None:
    response = created(gateway, says("Hello there."))
    assert text_of(response) == "Hello there." and response["status"] == "completed"
    for _ in range(8):
        assert get(gateway, response["id"]).json() == response


def test_a_conversation_goes_on(gateway: Gateway, simulator: Simulator) -> None:
    first = created(gateway, "My name is Ann. " + says("Noted."), instructions="Be brief.")
    second = created(
        gateway, "What is my name? " + says("Ann."), previous_response_id=first["id"], instructions="Be kind."
    )
    third = created(gateway, says("Bye."), previous_response_id=second["id"])
    assert third["previous_response_id"] == second["id"]
    turns = simulator.chats()[-1]["body"]["message"].split("\n\n")
    assert [turn.split("\n")[0] for turn in turns] == [
        *("[user]", "[assistant]") * 2,
        "[user]",
    ]  # instructions are not carried over
    assert "My name is Ann." in turns[0] and turns[1].endswith("Noted.") and turns[3].endswith("Ann.")


def test_what_is_not_to_be_stored_is_not(gateway: Gateway) -> None:
    response = created(gateway, says("Hello."), store=False)
    assert response["store"] is False
    assert get(gateway, response["id"]).status_code == 404
    refused = create(gateway, "x", previous_response_id=response["id"])
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "previous_response_not_found"
    assert refused.json()["error"]["param"] == "previous_response_id"


def test_a_response_is_deleted_once(gateway: Gateway) -> None:
    response = created(gateway, says("Hello."))
    assert delete(gateway, response["id"]).json() == {
        "id": response["id"],
        "object": "response",
        "deleted": True,
    }
    assert delete(gateway, response["id"]).status_code == 404
    assert get(gateway, response["id"]).json()["error"]["code"] == "response_not_found"


def test_a_response_belongs_to_the_key_that_made_it(gateway: Gateway) -> None:
    gateway.set_settings(api_key="sk-one")
    response = create(gateway, says("Secret."), key="sk-one").json()
    assert get(gateway, response["id"], key="sk-one").status_code == 200
    [[owner]] = gateway.sql(f"SELECT owner FROM responses WHERE id = '{response['id']}'")
    assert owner == hashlib.sha256(b"sk-one").hexdigest()
    gateway.set_settings(api_key="sk-two")
    assert get(gateway, response["id"], key="sk-one").status_code == 401
    assert get(gateway, response["id"], key="sk-two").status_code == 404
    assert delete(gateway, response["id"], key="sk-two").status_code == 404
    onward = create(gateway, "x", key="sk-two", previous_response_id=response["id"])
    assert onward.json()["error"]["code"] == "previous_response_not_found"
    reference = {"type": "item_reference", "id": response["output"][0]["id"]}
    assert create(gateway, [reference], key="sk-two").json()["error"]["param"] == "input[0].id"


def test_a_response_lives_for_a_day(gateway: Gateway) -> None:
    response = created(gateway, says("Hello."))
    [[expires_at]] = gateway.sql(f"SELECT expires_at FROM responses WHERE id = '{response['id']}'")
    assert expires_at == pytest.approx(time.time() + 24 * 3600, abs=60)
    gateway.sql(f"UPDATE responses SET expires_at = {time.time() - 1} WHERE id = '{response['id']}'")
    assert get(gateway, response["id"]).status_code == 404


def test_the_input_is_listed_in_pages(gateway: Gateway) -> None:
    items = [{"role": "user", "content": f"line {n}"} for n in range(3)]
    response = created(gateway, [*items, {"role": "user", "content": says("Hello.")}])
    listed = get(gateway, f"{response['id']}/input_items?limit=3").json()
    assert listed["has_more"] is True and len(listed["data"]) == 3
    rest = get(gateway, f"{response['id']}/input_items?after={listed['last_id']}").json()
    assert rest["has_more"] is False
    assert rest["data"][0]["content"] == [{"type": "input_text", "text": "line 0"}]
    whole = get(gateway, f"{response['id']}/input_items?order=asc").json()["data"]
    assert [item["content"][0]["text"] for item in whole[:3]] == ["line 0", "line 1", "line 2"]
    assert get(gateway, f"{response['id']}/input_items?limit=0").status_code == 400


def test_items_have_ids_of_their_own(gateway: Gateway, client: openai.OpenAI) -> None:
    """Else a client that goes through the pages would never come to an end."""
    items = [{"id": "msg_dup", "role": "user", "content": f"line {n}"} for n in range(5)]
    response = created(
        gateway, [*items, {"role": "assistant", "content": "a"}, {"role": "user", "content": says("x")}]
    )
    listed = list(client.responses.input_items.list(response["id"], order="asc", limit=2))
    assert len(listed) == 7 and len({item.id for item in listed}) == 7
    assert listed[5].content[0].annotations == []  # type: ignore[union-attr,index]


def test_a_conversation_may_go_on_without_further_words(gateway: Gateway) -> None:
    first = created(gateway, "Hello. " + says("Hello."))
    body = {"model": "grok-4.1", "previous_response_id": first["id"]}
    assert gateway.post("/v1/responses", body).status_code == 200


def test_a_failed_response_is_not_stored_and_says_so(gateway: Gateway) -> None:
    response = gateway.session.post(
        f"{gateway.url}/v1/responses",
        json={"model": "grok-4.1", "input": directive("reset_mid", tokens=2), "stream": True},
        timeout=30,
    )
    blocks = response.text.split("\n\n")[:-1]
    failed = orjson.loads(blocks[-2].split("\ndata: ")[1])["response"]
    assert failed["store"] is False and failed["output"][0]["status"] == "incomplete"
    assert not any(".done" in block.split("\n")[0] for block in blocks)
    assert get(gateway, failed["id"]).status_code == 404


def test_a_stored_response_is_not_streamed_again(gateway: Gateway) -> None:
    response = created(gateway, says("Hello."))
    assert get(gateway, f"{response['id']}?stream=true").json()["error"]["param"] == "stream"


def test_tools_are_called_and_their_results_go_on(gateway: Gateway, simulator: Simulator) -> None:
    first = created(gateway, "Weather? " + says("Let me look.\n" + CALL), tools=[WEATHER])
    message, call = first["output"]
    assert message["content"][0]["text"].strip() == "Let me look."
    assert (call["type"], call["name"], orjson.loads(call["arguments"])) == (
        "function_call",
        "get_weather",
        {"city": "Paris"},
    )
    result = {
        "type": "function_call_output",
        "call_id": call["call_id"],
        "output": "18 degrees " + says("Warm."),
    }
    second = created(gateway, [result], previous_response_id=first["id"], tools=[WEATHER])
    assert text_of(second) == "Warm."
    prompt = simulator.chats()[-1]["body"]["message"]
    assert f"[tool: get_weather, {call['call_id']}]\n18 degrees" in prompt
    unknown = create(gateway, [result | {"call_id": "call_other"}], previous_response_id=first["id"])
    assert unknown.json()["error"]["param"] == "input[0].call_id"


def test_items_can_be_referred_to(gateway: Gateway, simulator: Simulator) -> None:
    first = created(gateway, says("The tide is out."))
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}
    created(gateway, [reference, {"role": "user", "content": says("Yes.")}])
    assert "[assistant]\nThe tide is out." in simulator.chats()[-1]["body"]["message"]
    refused = create(gateway, [{"type": "item_reference", "id": "msg_0-0"}])
    assert refused.json()["error"]["param"] == "input[0].id"


def test_references_cannot_multiply_what_is_stored(gateway: Gateway) -> None:
    first = created(gateway, "word " * 200_000 + says("Hello."))
    [item] = get(gateway, f"{first['id']}/input_items").json()["data"]
    reference = {"type": "item_reference", "id": item["id"]}
    again = create(gateway, [reference, reference])
    assert again.status_code == 400 and again.json()["error"]["param"] == "input[1].id"
    assert create(gateway, [reference] * 1001).json()["error"]["param"] == "input"


def test_a_structured_answer_is_the_document_alone(gateway: Gateway) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {"format": {"type": "json_schema", "name": "number", "schema": schema, "strict": True}}
    response = created(gateway, says('Sure:\n```json\n{"n": 7}\n```'), text=wanted)
    assert orjson.loads(text_of(response)) == {"n": 7}


def test_an_answer_is_cut_at_its_limit(gateway: Gateway, simulator: Simulator) -> None:
    response = created(gateway, directive("plain", tokens=50), max_output_tokens=2)
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert text_of(response) == "w0 w1 w2"


def test_thinking_is_an_item_of_its_own_unless_it_is_hidden(gateway: Gateway) -> None:
    prompt = directive("think", tokens=2)
    reasoning, message = created(gateway, prompt)["output"]
    assert reasoning["type"] == "reasoning" and reasoning["summary"][0]["text"]
    assert message["content"][0]["text"] == "w0 w1"
    (message,) = created(gateway, prompt, reasoning={"effort": "none"})["output"]
    assert message["content"][0]["text"] == "w0 w1"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input[0].content[0].type"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "input[0].call_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"tools": [{"type": "code_interpreter"}]}, "tools[0].type"),
        ({"tool_choice": {"type": "function", "name": "f"}}, "tool_choice"),
        ({"tools": [{"type": "web_search", "x": _nested(251)}]}, None),
        ({"text": {"format": SCALAR}}, "text.format.schema"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": 3}}}}, "text.format.schema"),
        ({"previous_response_id": 7}, "previous_response_id"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused_by_name(
    gateway: Gateway, body: dict[str, Any], param: str | None
) -> None:
    refused = gateway.post("/v1/responses", {"model": "grok-4.1", "input": "x"} | body)
    assert refused.status_code == 400, refused.text
    assert refused.json()["error"]["param"] == param


def test_what_upstream_cannot_do_is_named_and_refused_where_that_is_wanted(gateway: Gateway) -> None:
    answer = create(gateway, says("x"), temperature=0.5, include=["reasoning.encrypted_content"])
    assert answer.headers["X-Ignored-Params"] == "include, temperature"
    searching = create(gateway, says("x"), tools=[{"type": "web_search"}], tool_choice="auto")
    assert "X-Ignored-Params" not in searching.headers
    inside = create(
        gateway,
        says("x"),
        tools=[{"type": "web_search", "filters": {"allowed_domains": ["example.org"]}}],
        reasoning={"effort": "high", "summary": "auto"},
        text={"verbosity": "low"},
    )
    assert inside.headers["X-Ignored-Params"] == "reasoning.effort, text.verbosity, tools.filters"


# The SDK


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as sdk:
        yield sdk


def test_the_sdk_streams_a_response(client: openai.OpenAI) -> None:
    with client.responses.stream(model="grok-4.1", input=directive("think", tokens=3)) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert final.output_text == "w0 w1 w2"
    assert client.responses.retrieve(final.id).output_text == "w0 w1 w2"
    client.responses.delete(final.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(final.id)


def test_a_failure_in_the_middle_of_a_stream_is_raised(client: openai.OpenAI) -> None:
    stream = client.responses.create(model="grok-4.1", input=directive("reset_mid", tokens=2), stream=True)
    seen = []
    with pytest.raises(openai.APIError, match=r"broke off|cut off"):
        for event in stream:
            seen.append(event.type)
    assert seen[-1] == "response.failed"
