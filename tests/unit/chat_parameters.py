"""Values of the parameters of a chat request: valid ones, and such as are outside what OpenAI documents."""

from __future__ import annotations

#: Valid values that are named as ignored.
IGNORED: dict[str, tuple[object, ...]] = {
    "audio": (
        {"format": "mp3", "voice": "alloy"},
        {"format": "pcm16", "voice": {"id": "voice_1"}, "later": 1},
    ),
    "frequency_penalty": (-2, 2.0, 0.5),
    "logit_bias": ({"50256": -100, "1": 100, "2": 0},),
    "logprobs": (True,),
    "metadata": ({"k" * 64: "v" * 512}, {str(n): "" for n in range(16)}),
    "modalities": (["text", "audio"], ["audio"]),
    "moderation": ({"model": "m"}, {"model": "m", "policy": {"input": {"mode": "block"}, "output": None}}),
    "prediction": (
        {"type": "content", "content": "x"},
        {"type": "content", "content": [{"type": "text", "text": "x"}]},
    ),
    "presence_penalty": (-2.0, 2, 1),
    "prompt_cache_key": ("", "key"),
    "prompt_cache_options": ({}, {"mode": "explicit", "ttl": "30m"}),
    "prompt_cache_retention": ("in_memory", "in-memory", "24h"),
    "reasoning_effort": ("minimal", "low", "medium", "high", "xhigh", "max"),
    "safety_identifier": ("s" * 128,),
    "seed": (0, -(2**63), 2**63 - 1, 5.0),
    "service_tier": ("flex", "scale", "priority", "fast"),
    "store": (True,),
    "temperature": (0, 1, 2, 0.7),
    "top_p": (0, 1, 0.5),
    "user": ("", "Ann"),
    "verbosity": ("low", "medium", "high"),
    "web_search_options": (
        {},
        {
            "search_context_size": "low",
            "user_location": {"type": "approximate", "approximate": {"country": "SE", "city": None}},
        },
    ),
}
#: Valid values that are not, because what they ask for is done.
DONE: dict[str, tuple[object, ...]] = {
    "frequency_penalty": (0, 0.0),
    "logit_bias": ({},),
    "logprobs": (False,),
    "metadata": ({},),
    "modalities": (["text"],),
    "n": (1,),
    "parallel_tool_calls": (True, False),
    "presence_penalty": (0,),
    "reasoning_effort": ("none",),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "top_logprobs": (0,),
    "max_tokens": (1, 10**9),
    "max_completion_tokens": (1,),
    "stop": ("x",),
    "response_format": ({"type": "text"},),
}
#: Values outside what is documented, and the path that the refusal names when it is not the parameter's own.
WRONG: dict[str, tuple[tuple[object, str], ...]] = {
    "audio": (
        ("x", ""), ({}, ".format"), ({"format": "ogg", "voice": "x"}, ".format"), ({"format": "mp3"}, ".voice"),
        ({"format": "mp3", "voice": {}}, ".voice"), ({"format": "mp3", "voice": 1}, ".voice"),
    ),
    "frequency_penalty": ((-2.1, ""), (2.1, ""), ("1", ""), (True, ""), ([], "")),
    "logit_bias": (
        ([], ""), ({"a": 1}, ".a"), ({"": 1}, "."), ({"1": 101}, ".1"), ({"1": "1"}, ".1"), ({"1": None}, ".1"),
        ({"x" * 500: 1}, "." + "x" * 64),
    ),
    "logprobs": ((1, ""), ("true", "")),
    "metadata": (
        ("x", ""), ({"k": 1}, ".k"), ({"k": None}, ".k"), ({"k": "v" * 513}, ".k"), ({"k" * 65: ""}, "." + "k" * 64),
        ({str(n): "" for n in range(17)}, ""),
    ),
    "modalities": (("text", ""), (["video"], "[0]"), (["text", 1], "[1]")),
    "moderation": (
        (True, ""), ({}, ".model"), ({"model": "m", "policy": 1}, ".policy"),
        ({"model": "m", "policy": {"input": {}}}, ".policy.input.mode"),
        ({"model": "m", "policy": {"output": {"mode": "x"}}}, ".policy.output.mode"),
    ),
    "prediction": (
        ("x", ""), ({}, ".type"), ({"type": "x"}, ".type"), ({"type": "content"}, ".content"),
        ({"type": "content", "content": [{"type": "image"}]}, ".content"),
    ),
    "presence_penalty": ((3, ""), ({}, "")),
    "prompt_cache_key": ((1, ""),),
    "prompt_cache_options": (([], ""), ({"mode": "x"}, ".mode"), ({"ttl": "1h"}, ".ttl"), ({"ttl": []}, ".ttl")),
    "prompt_cache_retention": (("1h", ""), (24, "")),
    "reasoning_effort": (("extreme", ""), ("", ""), (1, ""), ({}, ""), ([["x"]], "")),
    "safety_identifier": (("s" * 129, ""), (1, "")),
    "seed": ((0.5, ""), (2**63, ""), (1e300, ""), (float("inf"), ""), (float("nan"), ""), ("1", ""), (True, "")),
    "service_tier": (("gold", ""), (1, "")),
    "store": ((0, ""), ("no", "")),
    "temperature": ((-0.1, ""), (2.1, ""), ("hot", ""), (10**400, ""), (float("nan"), ""), (False, "")),
    "top_logprobs": ((-1, ""), (21, ""), (1.5, ""), (True, "")),
    "top_p": ((1.1, ""), (-1, ""), ("1", "")),
    "user": ((1, ""), ({}, "")),
    "verbosity": (("loud", ""), (1, "")),
    "web_search_options": (
        (True, ""), ({"search_context_size": "huge"}, ".search_context_size"),
        ({"user_location": {}}, ".user_location.type"),
        ({"user_location": {"type": "approximate"}}, ".user_location.approximate"),
        ({"user_location": {"type": "approximate", "approximate": {"city": 1}}}, ".user_location.approximate.city"),
    ),
}  # fmt: skip
