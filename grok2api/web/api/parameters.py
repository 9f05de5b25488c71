"""Every parameter that OpenAI documents for chat completions: what it may be, and whether it is honoured.

`check_parameters` and `ignored_names` work on any such table. Null is "not sent" throughout.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from grok2api.web.api.checkers import (
    Check,
    any_of,
    anything,
    boolean,
    integer,
    list_of,
    map_of,
    matching,
    number,
    object_of,
    one_of,
    refuse,
    text,
)

#: What of a client's own names goes into a header.
MAX_IGNORED = 50
_MAX_NAME = 64
_NOT_IN_HEADER = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True)
class Parameter:
    """A documented parameter. check: of any value but null.

    honoured: it is done as asked. usual: values that ask for what happens anyhow, so that they are honoured too.
    """

    check: Check[Any]
    honoured: bool = False
    usual: tuple[object, ...] = ()

    def does(self, value: object) -> bool:
        """Whether what this value asks for is done."""
        return self.honoured or value in self.usual


Table = Mapping[str, Parameter]


def check_parameters(document: Mapping[str, Any], table: Table) -> None:
    """Raises BadRequest for the first parameter, in the table's order, whose value is outside what is documented."""
    for name, parameter in table.items():
        value = document.get(name)
        if value is not None:
            parameter.check(value, name)


def ignored_names(document: Mapping[str, Any], table: Table) -> tuple[str, ...]:
    """Names of what was sent and is not honoured, undocumented ones included, as they may stand in a header."""
    return header_names(
        name
        for name, value in document.items()
        if value is not None and not (name in table and table[name].does(value))
    )


def header_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names of a client's, sorted, once each, in few harmless characters, and not without end."""
    return tuple(sorted({_NOT_IN_HEADER.sub("?", name[:_MAX_NAME]) for name in names if name})[:MAX_IGNORED])


def model_name(value: object, where: str) -> str:
    return value if isinstance(value, str) and value else refuse(where, "the name of a model")


def _one(value: object, where: str) -> None:
    integer()(value, where)
    if value != 1:
        refuse(where, "1: Grok gives one answer to a chat request")


_honoured_elsewhere = Parameter(anything, honoured=True)  # the parser of its own reads and checks it
_count = integer(least=1)
_level = one_of("low", "medium", "high")
_penalty = number(-2, 2)
_text_part = object_of(("type", "text"), type=one_of("text"), text=text())
_moderation_rule = object_of(("mode",), mode=one_of("score", "block"))
_place = object_of(city=text(), country=text(), region=text(), timezone=text())

metadata = map_of(text(512), keys=text(64), most=16)
safety_identifier = text(128)
#: The two spellings of the first are of different releases of OpenAI's SDKs.
prompt_cache_retention = one_of("in_memory", "in-memory", "24h")
prompt_cache_options = object_of(mode=one_of("implicit", "explicit"), ttl=one_of("30m"))
service_tier = one_of("auto", "default", "flex", "scale", "priority", "fast")
reasoning_effort = one_of("none", "minimal", "low", "medium", "high", "xhigh", "max")

CHAT_PARAMETERS: Table = {
    "model": Parameter(model_name, honoured=True),
    "messages": _honoured_elsewhere,
    "stream": Parameter(boolean, honoured=True),
    "stream_options": Parameter(
        # include_obfuscation: padding against an eavesdropper, who is served the same without it
        object_of(include_usage=boolean, include_obfuscation=boolean),
        honoured=True,
    ),
    "n": Parameter(_one, honoured=True),
    "stop": _honoured_elsewhere,
    "max_tokens": Parameter(_count, honoured=True),
    "max_completion_tokens": Parameter(_count, honoured=True),
    "tools": _honoured_elsewhere,
    "tool_choice": _honoured_elsewhere,
    "parallel_tool_calls": Parameter(boolean, honoured=True),
    "functions": _honoured_elsewhere,
    "function_call": _honoured_elsewhere,
    "response_format": _honoured_elsewhere,
    "reasoning_effort": Parameter(reasoning_effort, usual=("none",)),
    "audio": Parameter(
        object_of(
            ("format", "voice"),
            format=one_of("wav", "aac", "mp3", "flac", "opus", "pcm16"),
            voice=any_of(
                "the name of a voice, or an object with its `id`", text(), object_of(("id",), id=text())
            ),
        )
    ),
    "frequency_penalty": Parameter(_penalty, usual=(0,)),
    "logit_bias": Parameter(
        map_of(integer(-100, 100), keys=matching(r"\d{1,9}", "named by a token's number")), usual=({},)
    ),
    "logprobs": Parameter(boolean, usual=(False,)),
    "metadata": Parameter(metadata, usual=({},)),
    "modalities": Parameter(list_of(one_of("text", "audio")), usual=(["text"],)),
    "moderation": Parameter(
        object_of(
            ("model",),
            model=text(),
            policy=object_of(input=_moderation_rule, output=_moderation_rule),
        )
    ),
    "prediction": Parameter(
        object_of(
            ("type", "content"),
            type=one_of("content"),
            content=any_of("a text or a list of text parts", text(), list_of(_text_part)),
        )
    ),
    "presence_penalty": Parameter(_penalty, usual=(0,)),
    "prompt_cache_key": Parameter(text()),
    "prompt_cache_options": Parameter(prompt_cache_options),
    "prompt_cache_retention": Parameter(prompt_cache_retention),
    "safety_identifier": Parameter(safety_identifier),
    "seed": Parameter(integer(-(2**63), 2**63 - 1)),
    "service_tier": Parameter(service_tier, usual=("auto", "default")),
    "store": Parameter(boolean, usual=(False,)),
    "temperature": Parameter(number(0, 2)),
    "top_logprobs": Parameter(integer(0, 20), usual=(0,)),
    "top_p": Parameter(number(0, 1)),
    "user": Parameter(text()),
    "verbosity": Parameter(_level),
    "web_search_options": Parameter(
        object_of(
            search_context_size=_level,
            user_location=object_of(("type", "approximate"), type=one_of("approximate"), approximate=_place),
        )
    ),
}
