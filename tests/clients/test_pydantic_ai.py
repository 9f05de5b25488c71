"""`pydantic-ai`. Structured output is a tool's arguments unless a native or prompted one is asked for."""

from __future__ import annotations

from tests.clients.conformance import (
    CALL,
    CALLS,
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
    result_then,
    saying,
)
from tests.clients.program import Client
from tests.simulator.client import directive


class TestPydanticAi(
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
    family = "pydantic_ai"
    stop_option = "stop_sequences"
    output_tool = "final_result"
    wrong_key = Raised("pydantic_ai.exceptions.ModelHTTPError", 401, "key")
    no_account = Raised("pydantic_ai.exceptions.ModelHTTPError", 503, "account")
    exhausted = Raised("pydantic_ai.exceptions.ModelHTTPError", 429)
    unknown_model = Raised("pydantic_ai.exceptions.ModelHTTPError", 404, "gpt-none")
    broken_stream = Raised("pydantic_ai.exceptions.ModelHTTPError", 500, "broke off")
    broken_response = Raised("pydantic_ai.exceptions.ModelHTTPError", 500, "broke off")

    def test_models_are_not_listed_with_a_wrong_key(self, client: Client) -> None:
        """That is the `openai` package's affair."""
        Raised("openai.AuthenticationError", 401).check(client.fails("models", key="sk-wrong"))

    def test_thinking_in_the_text_is_taken_apart(self, plain_client: Client) -> None:
        seen = plain_client.sees("chat", directive("plain", tokens=3, thinking=2))
        assert seen["text"].strip() == "w0 w1 w2"
        assert "t0 t1" in seen["reasoning"]

    def test_a_streamed_call_behind_thinking_in_the_text_is_a_call(self, plain_client: Client) -> None:
        """It takes thinking for the result unless the tags are chunks of their own."""
        seen = plain_client.sees("stream_tools", saying(CALL, thinking=3), result=result_then("It is sunny."))
        assert seen["calls"] == CALLS
        assert seen["text"].strip() == "It is sunny."
