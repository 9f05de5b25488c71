"""`langchain-openai`. It drops `reasoning_content`, as its manual says."""

from __future__ import annotations

import pytest

from tests.clients.conformance import (
    FENCED,
    PLACE,
    CallsToolsInResponses,
    FillsByTool,
    ListsModels,
    Raised,
    SeesUsage,
    StopsAtTexts,
    StreamsCalls,
    StructuresResponses,
    saying,
)
from tests.clients.program import Client


class TestLangChain(
    ListsModels,
    SeesUsage,
    StopsAtTexts,
    StreamsCalls,
    FillsByTool,
    CallsToolsInResponses,
    StructuresResponses,
):
    family = "langchain"
    wrong_key = Raised("openai.AuthenticationError", 401, "key")
    no_account = Raised("openai.InternalServerError", 503, "account")
    exhausted = Raised("openai.RateLimitError", 429)
    unknown_model = Raised("openai.NotFoundError", 404, "gpt-none")
    broken_stream = Raised("openai.APIError", None, "broke off")
    broken_response = Raised("builtins.ValueError", None, "broke off")

    @pytest.mark.parametrize("case", ["chat_async", "stream_async"])
    def test_it_is_answered_asynchronously(self, client: Client, case: str) -> None:
        assert client.sees(case, saying("Hello, Ada."))["text"] == "Hello, Ada."

    def test_a_strict_schema_is_taken(self, client: Client) -> None:
        assert client.sees("structured_strictly", saying(FENCED))["value"] == PLACE
