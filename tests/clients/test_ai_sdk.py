"""The Vercel AI SDK: chat with its provider for compatible services, Responses with that for OpenAI."""

from __future__ import annotations

import pytest

from tests.clients.conformance import (
    CALL,
    CALLS,
    CallsToolsInResponses,
    FillsByTool,
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


class TestAiSdk(
    SeesUsage,
    SeesReasoning,
    StopsAtTexts,
    StreamsCalls,
    FillsByTool,
    SeesReasoningInResponses,
    CallsToolsInResponses,
    StructuresResponses,
):
    family = "ai_sdk"
    stop_option = "stopSequences"
    length_option = "maxOutputTokens"
    wrong_key = Raised("APICallError", 401, "key")
    no_account = Raised("APICallError", 503, "account")
    exhausted = Raised("APICallError", 429)
    unknown_model = Raised("APICallError", 404, "gpt-none")
    broken_stream = Raised("StreamProviderError", None, "broke off")
    broken_response = Raised("StreamProviderError", 500, "broke off")

    @pytest.mark.parametrize("case", ["chat_with_think_tags", "stream_with_think_tags"])
    def test_thinking_in_the_text_is_taken_apart(self, plain_client: Client, case: str) -> None:
        seen = plain_client.sees(case, directive("plain", tokens=3, thinking=2))
        assert seen["text"].strip() == "w0 w1 w2"
        assert "t0 t1" in seen["reasoning"]

    def test_a_streamed_response_calls_a_tool(self, client: Client) -> None:
        prompt = saying(CALL, thinking=2)
        seen = client.sees("responses_stream_tools", prompt, result=result_then("It is sunny."))
        assert seen["calls"] == CALLS and seen["text"] == "It is sunny."
