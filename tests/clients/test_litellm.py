"""`litellm` with the provider `openai/…`. For a model that its own list does not have it asks for a whole response and
plays the stream itself."""

from __future__ import annotations

import pytest

from tests.clients.conformance import (
    FillsByTool,
    ListsModels,
    Raised,
    SeesReasoning,
    SeesUsage,
    SpeaksResponses,
    StopsAtTexts,
    StreamsCalls,
    saying,
)
from tests.clients.program import Client


class TestLiteLlm(
    ListsModels, SeesUsage, SeesReasoning, StopsAtTexts, StreamsCalls, FillsByTool, SpeaksResponses
):
    family = "litellm"
    wrong_key = Raised("litellm.exceptions.AuthenticationError", 401, "key")
    no_account = Raised("litellm.exceptions.ServiceUnavailableError", 503, "account")
    exhausted = Raised("litellm.exceptions.RateLimitError", 429)
    unknown_model = Raised("litellm.exceptions.NotFoundError", 404, "gpt-none")
    broken_stream = Raised("litellm.exceptions.MidStreamFallbackError", 500, "broke off")
    broken_response = Raised("litellm.exceptions.BadGatewayError", 502, "broke off")

    def test_models_are_not_listed_with_a_wrong_key(self, client: Client) -> None:
        """It logs the refusal and lists none."""
        seen = client.sees_and_says("models", key="sk-wrong")
        assert seen["models"] == [] and "The key is wrong" in seen["warnings"][0]

    @pytest.mark.parametrize("case", ["chat_async", "stream_async"])
    def test_it_is_answered_asynchronously(self, client: Client, case: str) -> None:
        assert client.sees(case, saying("Hello, Ada."))["text"] == "Hello, Ada."
