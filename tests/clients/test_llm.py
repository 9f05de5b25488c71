"""The command `llm`. It does not tell why an answer ended, and cannot list the models behind an address."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.conformance import (
    CALL,
    CALLS,
    CallsToolsInResponses,
    Raised,
    SeesUsage,
    StopsAtTexts,
    StreamsCalls,
    result_then,
    saying,
)
from tests.clients.program import Client


class TestLlm(SeesUsage, StopsAtTexts, StreamsCalls, CallsToolsInResponses):
    family = "llm"
    wrong_key = Raised("client.CommandFailed", None, "401")
    no_account = Raised("client.CommandFailed", None, "503")
    exhausted = Raised("client.CommandFailed", None, "429")
    unknown_model = Raised("client.CommandFailed", None, "gpt-none")
    broken_stream = Raised("client.CommandFailed", None, "broke off")
    broken_response = Raised("client.CommandFailed", None, "broke off")

    def finished(self, seen: dict[str, Any], why: str) -> bool:
        return True

    def test_a_call_that_thinking_comes_before_in_the_text_is_a_call(self, plain_client: Client) -> None:
        """It prints the text of both rounds."""
        seen = plain_client.sees("tools", saying(CALL, thinking=3), result=result_then("It is sunny."))
        assert seen["calls"] == CALLS
        assert seen["text"].endswith("</think> It is sunny.")

    @pytest.mark.parametrize("case", ["chat_async", "chat_that_cannot_stream"])
    def test_its_other_ways_to_ask_are_answered_too(self, client: Client, case: str) -> None:
        assert client.sees(case, saying("Hello, Ada."))["text"] == "Hello, Ada."

    def test_a_conversation_goes_on(self, client: Client) -> None:
        seen = client.sees("conversation", saying("Hello, Ada."), second=saying("Still here."))
        assert seen["text"] == "Still here."
