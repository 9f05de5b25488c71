"""The table of a chat request's parameters: complete, checked to the letter, and honest about what is ignored."""

from __future__ import annotations

import typing
from typing import Any

import pytest
from openai.types.chat import completion_create_params as documented
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from grok2api.errors import BadRequest
from grok2api.settings import SETTINGS, Snapshot, snapshot
from grok2api.web.api.checkers import (
    any_of,
    boolean,
    integer,
    list_of,
    map_of,
    matching,
    number,
    object_of,
    one_of,
    text,
)
from grok2api.web.api.parameters import CHAT_PARAMETERS, check_parameters, ignored_names
from grok2api.web.api.parse import parse_chat
from grok2api.web.api.parse_responses import RESPONSE_PARAMETERS
from grok2api.web.api.policy import apply_policy
from tests.unit.chat_parameters import DONE, IGNORED, WRONG

HELLO: dict[str, Any] = {"model": "grok-4.1", "messages": [{"role": "user", "content": "Hello"}]}


def each(values: dict[str, tuple[Any, ...]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, several in values.items() for value in several]


# The table


def test_the_table_has_every_parameter_that_openai_documents() -> None:
    base = documented.CompletionCreateParamsNonStreaming
    assert set(CHAT_PARAMETERS) == set(typing.get_type_hints(base))


def test_these_tests_know_every_parameter_that_is_not_simply_honoured() -> None:
    checked_here = {name for name, row in CHAT_PARAMETERS.items() if not row.honoured} - {"top_logprobs"}
    assert set(IGNORED) == checked_here
    assert set(WRONG) == checked_here | {"top_logprobs"}


@pytest.mark.parametrize(("name", "value"), each(IGNORED))
def test_a_valid_value_that_cannot_be_honoured_is_named(name: str, value: object) -> None:
    assert parse_chat(HELLO | {name: value}).ignored == (name,)


def test_top_logprobs_are_named_beside_logprobs() -> None:
    assert parse_chat(HELLO | {"logprobs": True, "top_logprobs": 20}).ignored == ("logprobs", "top_logprobs")


@pytest.mark.parametrize(("name", "value"), each(DONE))
def test_a_value_that_asks_for_what_is_done_is_not_named(name: str, value: object) -> None:
    assert parse_chat(HELLO | {name: value}).ignored == ()


@pytest.mark.parametrize(("name", "case"), each(WRONG))
def test_a_value_outside_what_is_documented_is_refused_by_its_path(
    name: str, case: tuple[object, str]
) -> None:
    value, below = case
    with pytest.raises(BadRequest) as caught:
        check_parameters({name: value}, CHAT_PARAMETERS)
    assert caught.value.param == name + below
    assert caught.value.message.startswith(f"`{name}{below}` must be ")
    assert len(caught.value.message) < 300 and caught.value.message.endswith(".")


def test_null_is_not_sent() -> None:
    document = HELLO | {name: None for name in CHAT_PARAMETERS if name not in HELLO} | {"top_k": None}
    assert parse_chat(document) == parse_chat(HELLO)


def test_undocumented_names_are_ignored_like_the_others() -> None:
    document = {"top_k": 5, "thinking": {"type": "enabled"}, "temperature": 1}
    assert ignored_names(document, CHAT_PARAMETERS) == ("temperature", "thinking", "top_k")


# The checks, in words


@pytest.mark.parametrize(
    ("check", "value", "words"),
    [
        (boolean, 0, "true or false"),
        (number(), "1", "a number"),
        (number(0, 2), 3, "a number from 0 to 2"),
        (number(least=1), 0, "a number of at least 1"),
        (integer(), 1.5, "a whole number"),
        (integer(1, 128), 0, "a whole number from 1 to 128"),
        (integer(most=3), 4, "a whole number of at most 3"),
        (text(), 1, "a text"),
        (text(least=1), "", "a text that is not empty"),
        (text(3), "abcd", "a text of at most 3 characters"),
        (text(2, least=2), "abc", "a text of 2 characters"),
        (one_of("a"), "b", "a"),
        (one_of("a", "b"), "c", "one of a, b"),
        (matching("a+", "some a"), "ab", "some a"),
        (object_of(), [], "an object"),
        (map_of(text(), keys=text(), most=0), {"a": ""}, "an object of at most 0 entries"),
        (list_of(text()), {}, "a list"),
        (list_of(text(), most=1), ["", ""], "a list of at most 1 entries"),
        (list_of(text(), most=2, least=1), [], "a list of at least 1 entry and at most 2 entries"),
        (any_of("this or that", text(), integer()), [], "this or that"),
    ],
)
def test_a_refusal_says_what_is_wanted(check: Any, value: object, words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        check(value, "a.b[0]")
    assert (caught.value.param, caught.value.message) == ("a.b[0]", f"`a.b[0]` must be {words}.")


def test_a_check_returns_the_value_in_its_one_form() -> None:
    assert (integer()(1.0, ""), type(integer()(1.0, ""))) == (1, int)
    assert list_of(integer())([1.0, 2], "") == [1, 2]
    assert any_of("", integer(), text())("x", "") == "x"


# What the settings make of it


def settings_with(**values: object) -> Snapshot:
    return snapshot({row.name: row.default for row in SETTINGS} | values)


def applied(fields: dict[str, object], **settings: object) -> Any:
    document = HELLO | fields
    return apply_policy(parse_chat(document), document, settings_with(**settings))


def test_by_default_a_request_is_served_as_it_was_parsed() -> None:
    fields: dict[str, object] = {"temperature": 1, "max_tokens": 5}
    assert applied(fields) == parse_chat(HELLO | fields)


def test_strict_params_refuses_what_is_ignored_and_names_all() -> None:
    assert applied({"n": 1, "max_tokens": 5}, strict_params=True).max_tokens == 5
    with pytest.raises(BadRequest) as caught:
        applied({"top_p": 1, "seed": 1, "zeta": 1}, strict_params=True)
    assert (caught.value.param, caught.value.code) == ("seed", "unsupported_parameter")
    assert "`seed`, `top_p`, `zeta`" in caught.value.message


def test_max_tokens_that_are_not_enforced_are_named() -> None:
    both: dict[str, object] = {"max_tokens": 5, "max_completion_tokens": 9, "seed": 1}
    asked = applied(both, enforce_max_tokens=False)
    assert (asked.max_tokens, asked.ignored) == (None, ("max_completion_tokens", "max_tokens", "seed"))
    assert applied({"max_tokens": 5}, enforce_max_tokens=False).ignored == ("max_tokens",)
    assert applied({"max_tokens": None}, enforce_max_tokens=False).ignored == ()
    with pytest.raises(BadRequest) as caught:
        applied({"max_tokens": 5}, enforce_max_tokens=False, strict_params=True)
    assert caught.value.param == "max_tokens"


def test_the_table_of_responses_is_complete_too() -> None:
    known = set(typing.get_type_hints(ResponseCreateParamsBase)) | {"stream"}
    assert set(RESPONSE_PARAMETERS) == known
