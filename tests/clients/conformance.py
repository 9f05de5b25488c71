"""What every client must be able to do, whatever it is: test classes of the families derive from these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from tests.clients.program import Client, Failure
from tests.gateway import Gateway
from tests.simulator.client import directive
from tests.simulator.directives import pack

MODELS = 10
CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'
CALLS = [{"name": "get_weather", "arguments": {"city": "Paris"}}]
PLACE = {"city": "Paris", "population": 2100000}
JSON = '{"city": "Paris", "population": 2100000}'
FENCED = f"Sure, here you are:\n\n```json\n{JSON}\n```\n\nAnything else?"


def saying(text: str, **options: object) -> str:
    """A prompt that upstream answers with this text, three characters at a time."""
    pieces = [text[at : at + 3] for at in range(0, len(text), 3)]
    return directive("plain", tokens64=pack(pieces), **options)


def calling(name: str, arguments: str = JSON) -> str:
    """How upstream calls a tool, as it was told to."""
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


def result_then(text: str) -> str:
    """A tool's result, after which upstream answers with this text."""
    return f"18 degrees, sunny. {saying(text)}"


def usage_is_told(usage: dict[str, int] | None) -> bool:
    return usage is not None and 0 < usage["input"] < usage["total"] and usage["output"] > 0


def last(finish: str | list[str]) -> str:
    """Clients tell why an answer ended once, or in a list."""
    return finish if isinstance(finish, str) else finish[-1]


@dataclass(frozen=True)
class Raised:
    """What a client raises: the full name of a class, its own or one that it derives from, the HTTP status where the
    class has one, and words of its text."""

    name: str
    status: int | None = None
    words: str = ""

    def check(self, failure: Failure) -> None:
        assert self.name in failure.classes, (failure.classes, failure.traceback)
        assert failure.status == self.status, failure
        assert self.words in failure.message, failure.message


@pytest.mark.timeout(900)  # the first test of a family installs it
class Conformance:
    """The answers a client must understand and the errors it must raise.

    family: the folder of its script. names: how it names "stop", "length", "tool_calls" when not so. length_option:
    what it calls the limit of an answer's length.
    wrong_key, no_account, exhausted, unknown_model, broken_stream: what it raises.
    """

    family: ClassVar[str]
    names: ClassVar[dict[str, str]] = {}
    length_option: ClassVar[str] = "max_tokens"
    wrong_key: ClassVar[Raised]
    no_account: ClassVar[Raised]
    exhausted: ClassVar[Raised]
    unknown_model: ClassVar[Raised]
    broken_stream: ClassVar[Raised]

    def finished(self, seen: dict[str, Any], why: str) -> bool:
        return last(seen["finish"]) == self.names.get(why, why)

    # --- answers ---

    def test_a_chat_is_answered(self, client: Client) -> None:
        seen = client.sees("chat", saying("Hello, Ada."))
        assert seen["text"] == "Hello, Ada."
        assert self.finished(seen, "stop")

    def test_a_chat_is_streamed(self, client: Client) -> None:
        seen = client.sees("stream", saying("Hello, Ada.", delay=0.02))
        assert seen["text"] == "Hello, Ada."
        assert self.finished(seen, "stop")
        assert seen["pieces"] > 1

    @pytest.mark.parametrize("case", ["chat", "stream"])
    def test_an_answer_that_is_too_long_is_cut(self, client: Client, case: str) -> None:
        seen = client.sees(case, directive("plain", tokens=50), options={self.length_option: 3})
        assert 0 < len(seen["text"].split()) < 10
        assert self.finished(seen, "length")

    # --- tools ---

    def test_a_tool_is_called_and_its_result_answered(self, client: Client) -> None:
        seen = client.sees("tools", saying(CALL), result=result_then("It is sunny."))
        assert seen["calls"] == CALLS
        assert seen["text"] == "It is sunny."

    def test_a_model_that_thinks_may_call_a_tool(self, client: Client) -> None:
        seen = client.sees("tools", saying(CALL, thinking=3), result=result_then("It is sunny."))
        assert seen["calls"] == CALLS
        assert seen["text"] == "It is sunny."

    def test_a_call_that_thinking_comes_before_in_the_text_is_a_call(self, plain_client: Client) -> None:
        """Clients send that text back to us with the call."""
        seen = plain_client.sees("tools", saying(CALL, thinking=3), result=result_then("It is sunny."))
        assert seen["calls"] == CALLS
        assert seen["text"] == "It is sunny."

    # --- structured output ---

    @pytest.mark.parametrize("case", ["structured", "stream_structured", "json_object"])
    def test_an_answer_has_the_structure_that_was_asked_for(self, client: Client, case: str) -> None:
        assert client.sees(case, saying(FENCED))["value"] == PLACE

    @pytest.mark.parametrize("case", ["structured", "stream_structured", "json_object"])
    def test_thinking_does_not_disturb_the_structure(self, plain_client: Client, case: str) -> None:
        assert plain_client.sees(case, saying(FENCED, thinking=3))["value"] == PLACE

    # --- errors ---

    def test_a_wrong_key_is_refused(self, client: Client) -> None:
        self.wrong_key.check(client.fails("chat", "Hello", key="sk-wrong"))

    def test_an_unknown_model_is_an_error(self, client: Client) -> None:
        self.unknown_model.check(client.fails("chat", "Hello", model="gpt-none"))

    @pytest.mark.parametrize("case", ["chat", "stream"])
    def test_that_there_is_no_account_is_an_error(self, client: Client, keyed: Gateway, case: str) -> None:
        keyed.set_accounts()
        self.no_account.check(client.fails(case, "Hello"))

    @pytest.mark.parametrize("case", ["chat", "stream"])
    def test_that_all_accounts_are_exhausted_is_an_error(
        self, client: Client, keyed: Gateway, case: str
    ) -> None:
        keyed.set_accounts(["sim-basic-429_exhausted-a"])
        self.exhausted.check(client.fails(case, "Hello"))

    def test_a_stream_that_breaks_off_is_an_error(self, client: Client) -> None:
        self.broken_stream.check(client.fails("stream", directive("reset_mid", tokens=3)))


class ListsModels(Conformance):
    """A client that can tell which models there are."""

    def test_models_are_listed(self, client: Client) -> None:
        assert len(client.sees("models")["models"]) == MODELS

    def test_models_are_not_listed_with_a_wrong_key(self, client: Client) -> None:
        self.wrong_key.check(client.fails("models", key="sk-wrong"))


class SeesReasoning(Conformance):
    """A client that understands `reasoning_content`."""

    @pytest.mark.parametrize("case", ["chat", "stream"])
    def test_thinking_is_told_apart_from_the_answer(self, client: Client, case: str) -> None:
        seen = client.sees(case, directive("plain", tokens=3, thinking=2))
        assert seen["text"] == "w0 w1 w2"
        assert "t0 t1" in seen["reasoning"]


class SeesUsage(Conformance):
    """A client that tells how many tokens a request took."""

    def test_usage_is_told_and_the_same_for_a_stream(self, client: Client) -> None:
        """Some clients count for themselves what a stream does not tell, with other results."""
        prompt = directive("plain", tokens=20)
        usage = client.sees("chat", prompt)["usage"]
        assert usage_is_told(usage)
        assert client.sees("stream", prompt)["usage"] == usage


class StopsAtTexts(Conformance):
    """A client that can name texts which end the answer."""

    stop_option: ClassVar[str] = "stop"

    @pytest.mark.parametrize("case", ["chat", "stream"])
    def test_an_answer_ends_before_a_stop_text(self, client: Client, case: str) -> None:
        prompt = directive("plain", tokens=9)
        seen = client.sees(case, prompt, options={self.stop_option: [" w3"]})
        assert seen["text"] == "w0 w1 w2"
        assert self.finished(seen, "stop")


class StreamsCalls(Conformance):
    """A client that shows the calls of a streamed answer."""

    def test_a_call_is_streamed(self, client: Client) -> None:
        seen = client.sees("stream_tools", saying(CALL), result=result_then("It is sunny."))
        assert seen["calls"] == CALLS


class FillsByTool(Conformance):
    """A client that gets structured output as the arguments of a tool. output_tool: what it calls that tool."""

    output_tool: ClassVar[str] = "Place"

    def test_the_arguments_of_a_call_are_the_structure(self, client: Client) -> None:
        assert client.sees("structured_by_tool", saying(calling(self.output_tool)))["value"] == PLACE

    def test_thinking_does_not_disturb_those_arguments(self, plain_client: Client) -> None:
        prompt = saying(calling(self.output_tool), thinking=3)
        assert plain_client.sees("structured_by_tool", prompt)["value"] == PLACE


class SpeaksResponses(Conformance):
    """A client of the Responses API. broken_response: what it raises when one breaks off."""

    broken_response: ClassVar[Raised]

    @pytest.mark.parametrize("case", ["responses", "responses_stream"])
    def test_a_response_is_answered(self, client: Client, case: str) -> None:
        seen = client.sees(case, saying("Hello, Ada."))
        assert seen["text"] == "Hello, Ada."
        assert usage_is_told(seen["usage"])

    def test_a_response_needs_the_key(self, client: Client) -> None:
        self.wrong_key.check(client.fails("responses", "Hello", key="sk-wrong"))

    def test_a_response_that_breaks_off_is_an_error(self, client: Client) -> None:
        self.broken_response.check(client.fails("responses_stream", directive("reset_mid", tokens=3)))


class SeesReasoningInResponses(SpeaksResponses):
    """A client that shows the summary of what a model thought."""

    @pytest.mark.parametrize("case", ["responses", "responses_stream"])
    def test_thinking_is_told_apart_from_the_response(self, client: Client, case: str) -> None:
        seen = client.sees(case, directive("plain", tokens=3, thinking=2))
        assert seen["text"] == "w0 w1 w2"
        assert "t0 t1" in seen["reasoning"]


class CallsToolsInResponses(SpeaksResponses):
    """A client that calls tools there."""

    def test_a_response_calls_a_tool(self, client: Client) -> None:
        seen = client.sees("responses_tools", saying(CALL, thinking=2), result=result_then("It is sunny."))
        assert seen["calls"] == CALLS
        assert seen["text"] == "It is sunny."


class StructuresResponses(SpeaksResponses):
    """A client that asks for structured output there."""

    def test_a_response_has_the_structure_that_was_asked_for(self, client: Client) -> None:
        assert client.sees("responses_structured", saying(FENCED, thinking=2))["value"] == PLACE
