"""A chat request's JSON to a ChatRequest, or a BadRequest that names the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grok2api.errors import BadRequest
from grok2api.messages import ChatRequest
from grok2api.web.api.checkers import list_of, needed, refuse, sent, text
from grok2api.web.api.parameters import CHAT_PARAMETERS, check_parameters, ignored_names, model_name
from grok2api.web.api.parse_format import check_schemas, parse_response_format
from grok2api.web.api.parse_messages import parse_messages
from grok2api.web.api.parse_tools import parse_choice, parse_tools

_MAX_STOPS = 4

#: Reading an answer for a text takes memory for each of its characters.
_STOP_MAX = 1000

_stop_text = text(_STOP_MAX, least=1)
_stop_texts = list_of(_stop_text, most=_MAX_STOPS)


def parse_chat(document: Mapping[str, Any]) -> ChatRequest:
    """The request for a chat completion. Raises BadRequest."""
    check_parameters(document, CHAT_PARAMETERS)
    model = needed(document, "model", model_name)
    _check_together(document)
    check_schemas(document, "tools", "functions", "response_format")
    tools = parse_tools(document)
    legacy = bool(document.get("functions"))
    return ChatRequest(
        model=model,
        messages=parse_messages(document.get("messages")),
        stream=bool(document.get("stream")),
        include_usage=bool((document.get("stream_options") or {}).get("include_usage")),
        hide_thinking=document.get("reasoning_effort") == "none",
        stop=tuple(sent(document, "stop", _stop) or ()),
        max_tokens=_max_tokens(document),
        tools=tools,
        tool_choice=parse_choice(document, tools),
        parallel_tool_calls=document.get("parallel_tool_calls") is not False and not legacy,
        legacy_functions=legacy,
        answer_format=sent(document, "response_format", parse_response_format),
        ignored=ignored_names(document, CHAT_PARAMETERS),
    )


def _check_together(document: Mapping[str, Any]) -> None:
    """What is only allowed in company. Raises BadRequest."""
    if document.get("stream_options") is not None and not document.get("stream"):
        raise BadRequest("`stream_options` is only allowed with `stream: true`.", "stream_options")
    if document.get("top_logprobs") and not document.get("logprobs"):
        raise BadRequest("`top_logprobs` is only allowed with `logprobs: true`.", "top_logprobs")


def _stop(value: object, where: str) -> list[str]:
    if isinstance(value, str):
        return [_stop_text(value, where)]
    if isinstance(value, list):
        return _stop_texts(value, where)
    return refuse(where, f"a text or a list of at most {_MAX_STOPS} texts")


def _max_tokens(document: Mapping[str, Any]) -> int | None:
    """`max_completion_tokens` has replaced `max_tokens`, and wins."""
    value = document.get("max_completion_tokens")
    if value is None:
        value = document.get("max_tokens")
    return None if value is None else int(value)
