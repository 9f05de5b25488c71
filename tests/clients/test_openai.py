"""The official `openai` package for Python. It checks every answer against its own types."""

from __future__ import annotations

import pytest

from tests.clients.conformance import (
    CALL,
    CALLS,
    FENCED,
    PLACE,
    CallsToolsInResponses,
    FillsByTool,
    ListsModels,
    Raised,
    SeesReasoning,
    SeesReasoningInResponses,
    SeesUsage,
    StopsAtTexts,
    StreamsCalls,
    StructuresResponses,
    calling,
    result_then,
    saying,
    usage_is_told,
)
from tests.clients.program import Client
from tests.simulator.client import directive


class TestOpenAi(
    ListsModels,
    SeesUsage,
    SeesReasoning,
    StopsAtTexts,
    StreamsCalls,
    FillsByTool,
    SeesReasoningInResponses,
    CallsToolsInResponses,
    StructuresResponses,
):
    family = "openai"
    wrong_key = Raised("openai.AuthenticationError", 401, "key")
    no_account = Raised("openai.InternalServerError", 503, "account")
    exhausted = Raised("openai.RateLimitError", 429)
    unknown_model = Raised("openai.NotFoundError", 404, "gpt-none")
    broken_stream = Raised("openai.APIError", None, "broke off")
    broken_response = Raised("openai.APIError", None, "broke off")

    def test_a_model_is_retrieved(self, client: Client) -> None:
        assert client.sees("model")["model"] == "grok-4.1"
        self.unknown_model.check(client.fails("model", model="gpt-none"))

    @pytest.mark.parametrize("case", ["chat_async", "stream_async", "stream_helper"])
    def test_its_other_ways_to_ask_are_answered_too(self, client: Client, case: str) -> None:
        seen = client.sees(case, saying("Hello, Ada."))
        assert seen["text"] == "Hello, Ada."
        assert self.finished(seen, "stop")
        assert usage_is_told(seen["usage"])

    @pytest.mark.parametrize("case", ["stream", "stream_async", "stream_helper"])
    def test_a_stream_that_breaks_off_is_an_error_however_it_is_read(self, client: Client, case: str) -> None:
        self.broken_stream.check(client.fails(case, directive("reset_mid", tokens=3)))

    def test_a_call_ends_an_answer_with_that_reason(self, client: Client) -> None:
        seen = client.sees("tools", saying(CALL), result=result_then("It is sunny."))
        assert seen["finish"] == ["tool_calls", "stop"]
        assert seen["first_text"] is None
        seen = client.sees("stream_tools", saying(CALL))
        assert seen["finish"] == ["tool_calls"]
        assert seen["text"] == "" and all(seen["call_ids"]) and len(seen["ids"]) == 1

    def test_several_calls_in_one_answer_are_told_apart(self, client: Client) -> None:
        rome = CALL.replace("Paris", "Rome")
        seen = client.sees("stream_tools", saying(f"{CALL}\n{rome}"))
        assert seen["calls"] == [*CALLS, {"name": "get_weather", "arguments": {"city": "Rome"}}]
        assert len(set(seen["call_ids"])) == 2

    def test_text_before_a_call_is_kept(self, client: Client) -> None:
        seen = client.sees("tools", saying(f"Let me look.\n{CALL}"), result=result_then("It is sunny."))
        assert seen["first_text"].strip() == "Let me look."
        assert seen["calls"] == CALLS

    def test_the_streaming_helper_parses_what_it_accumulates(self, client: Client) -> None:
        seen = client.sees("stream_helper", saying(FENCED), with_format=True)
        assert seen["value"] == PLACE
        seen = client.sees("stream_helper", saying(calling("Place")), with_tool=True)
        assert seen["value"] == PLACE
        assert "tool_calls.function.arguments.done" in seen["kinds"]

    def test_an_answer_that_is_cut_is_not_parsed(self, client: Client) -> None:
        failure = client.fails("structured", saying(FENCED), options={"max_tokens": 1})
        assert "openai.LengthFinishReasonError" in failure.classes, failure

    # --- Responses ---

    def test_responses_are_answered_asynchronously(self, client: Client) -> None:
        assert client.sees("responses_async", saying("Hello, Ada."))["text"] == "Hello, Ada."

    def test_the_events_of_a_streamed_response_are_in_order(self, client: Client) -> None:
        seen = client.sees("responses_stream", saying("Hello, Ada."))
        kinds = seen["kinds"]
        assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
        assert seen["numbers"] == list(range(len(kinds)))
        assert seen["deltas"] == "Hello, Ada."
        assert seen["status"] == "completed"

    def test_the_helper_for_streamed_responses_accumulates(self, client: Client) -> None:
        seen = client.sees("responses_stream_helper", saying("Hello, Ada."))
        assert seen["text"] == "Hello, Ada."
        seen = client.sees("responses_stream_helper", saying(FENCED), with_format=True)
        assert seen["value"] == PLACE

    def test_a_response_calls_a_tool_without_being_stored(self, client: Client) -> None:
        seen = client.sees(
            "responses_tools_by_hand", saying(CALL, thinking=2), result=result_then("It is sunny.")
        )
        assert seen["calls"] == CALLS and seen["text"] == "It is sunny."

    def test_a_response_that_is_too_long_is_incomplete(self, client: Client) -> None:
        seen = client.sees("responses", directive("plain", tokens=50), options={"max_output_tokens": 16})
        assert (seen["status"], seen["incomplete"]) == ("incomplete", "max_output_tokens")

    def test_a_response_is_kept_until_it_is_deleted(self, client: Client) -> None:
        seen = client.sees("responses_stored", saying("You are Ada."))
        assert seen["text"] == "You are Ada."
        assert seen["same"] and seen["previous"]
        assert seen["gone"] == ["NotFoundError", "NotFoundError"]
        assert seen["after"] in ("NotFoundError", "BadRequestError")
