"""How many tokens a request and its answer come to: an estimate (see text_tokens.py), for `usage`."""

from __future__ import annotations

from typing import NamedTuple

from grok2api.events import ToolCall
from grok2api.messages import ChatRequest
from grok2api.services.lenient_json import dump
from grok2api.text_tokens import TokenCount


class Usage(NamedTuple):
    """Estimated tokens; `reasoning` is a part of `output`."""

    input: int
    output: int
    reasoning: int


class AnswerCount:
    """A running estimate of one answer."""

    def __init__(self) -> None:
        self.content = TokenCount()
        self.reasoning = TokenCount()

    def call(self, call: ToolCall) -> None:
        self.content.add(call.name)
        self.content.add(call.arguments)

    def usage(self, request: ChatRequest) -> Usage:
        reasoning = self.reasoning.tokens
        return Usage(input_tokens(request), self.content.tokens + reasoning, reasoning)


def input_tokens(request: ChatRequest) -> int:
    """What was asked: the messages' texts and calls, the tools, and the schema of the answer."""
    count = TokenCount()
    for message in request.messages:
        count.add(message.text)
        for use in message.tool_uses:
            count.add(use.name)
            count.add(use.arguments)
    for tool in request.tools:
        count.add(tool.name)
        count.add(tool.description)
        count.add(dump(tool.parameters) if tool.parameters else "")
    if request.answer_format is not None and request.answer_format.schema:
        count.add(dump(request.answer_format.schema))
    return count.tokens
