"""The official `openai` package for Node."""

from __future__ import annotations

import pytest

from tests.clients.conformance import (
    CALL,
    CALLS,
    CallsToolsInResponses,
    FillsByTool,
    ListsModels,
    Raised,
    SeesReasoning,
    SeesUsage,
    StopsAtTexts,
    StreamsCalls,
    StructuresResponses,
    result_then,
    saying,
    usage_is_told,
)
from tests.clients.program import Client
from tests.simulator.client import directive


class TestOpenAiForNode(
    ListsModels,
    SeesUsage,
    SeesReasoning,
    StopsAtTexts,
    StreamsCalls,
    FillsByTool,
    CallsToolsInResponses,
    StructuresResponses,
):
    family = "openai_node"
    wrong_key = Raised("AuthenticationError", 401, "key")
    no_account = Raised("InternalServerError", 503, "account")
    exhausted = Raised("RateLimitError", 429)
    unknown_model = Raised("NotFoundError", 404, "gpt-none")
    broken_stream = Raised("APIError", None, "broke off")
    broken_response = Raised("APIError", None, "broke off")

    def test_a_model_is_retrieved(self, client: Client) -> None:
        assert client.sees("model")["model"] == "grok-4.1"
        self.unknown_model.check(client.fails("model", model="gpt-none"))

    def test_the_streaming_helper_accumulates(self, client: Client) -> None:
        seen = client.sees("stream_helper", saying("Hello, Ada."))
        assert seen["text"] == "Hello, Ada."
        assert seen["pieces"] > 1 and usage_is_told(seen["usage"])
        self.broken_stream.check(client.fails("stream_helper", directive("reset_mid", tokens=3)))

    @pytest.mark.parametrize("stream", [False, True])
    def test_its_runner_of_tools_makes_both_rounds(self, client: Client, stream: bool) -> None:
        prompt = saying(CALL, thinking=2)
        seen = client.sees("run_tools", prompt, result=result_then("It is sunny."), stream=stream)
        assert seen["calls"] == CALLS and seen["text"] == "It is sunny."

    def test_a_streamed_response_tells_all_its_text(self, client: Client) -> None:
        seen = client.sees("responses_stream", saying("Hello, Ada."))
        assert seen["deltas"] == seen["text"] == "Hello, Ada."
        assert seen["kinds"][0] == "response.created" and seen["kinds"][-1] == "response.completed"

    def test_a_response_is_kept_until_it_is_deleted(self, client: Client) -> None:
        seen = client.sees("responses_stored", saying("You are Ada."))
        assert seen["text"] == "You are Ada."
        assert seen["same"] and seen["previous"] and seen["gone"] == "NotFoundError"
