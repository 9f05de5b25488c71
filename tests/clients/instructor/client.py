"""`instructor` over the `openai` package: its modes for tools, JSON and JSON schemas, whole and partial."""

from __future__ import annotations

import json
from collections.abc import Iterable

import instructor
import openai
from pydantic import BaseModel


class Place(BaseModel):
    city: str
    population: int


class Weather(BaseModel):
    """Asks for the weather of a city."""

    city: str


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def connect(ask, mode=instructor.Mode.TOOLS):
    client = openai.OpenAI(base_url=ask.url, api_key=ask.key, max_retries=0, timeout=30)
    return instructor.from_openai(client, mode=mode)


def more(ask):
    return {
        "model": ask.model,
        "messages": [{"role": "user", "content": ask.prompt}],
        **getattr(ask, "options", {}),
    }


def of_usage(usage):
    return {"input": usage.prompt_tokens, "output": usage.completion_tokens, "total": usage.total_tokens}


def of_completion(completion):
    choice = completion.choices[0]
    return {
        "text": choice.message.content,
        "reasoning": getattr(choice.message, "reasoning_content", None),
        "finish": choice.finish_reason,
        "usage": of_usage(completion.usage),
    }


def models(ask):
    return {"models": [model.id for model in connect(ask).client.models.list()]}


def chat(ask):
    """Without a model to fill in, the call goes through to `openai`."""
    return of_completion(connect(ask).chat.completions.create(response_model=None, **more(ask)))


def stream(ask):
    chunks = list(connect(ask).chat.completions.create(response_model=None, stream=True, **more(ask)))
    choices = [choice for chunk in chunks for choice in chunk.choices]
    return {
        "text": "".join(choice.delta.content or "" for choice in choices),
        "pieces": sum(bool(choice.delta.content) for choice in choices),
        "finish": [choice.finish_reason for choice in choices if choice.finish_reason],
    }


def filled(ask, mode):
    value, completion = connect(ask, mode).chat.completions.create_with_completion(
        response_model=Place, max_retries=0, **more(ask)
    )
    return {**of_completion(completion), "value": value.model_dump()}


def structured(ask):
    return filled(ask, instructor.Mode.JSON_SCHEMA)


def json_object(ask):
    return filled(ask, instructor.Mode.JSON)


def structured_in_markdown(ask):
    return filled(ask, instructor.Mode.MD_JSON)


def structured_by_tool(ask):
    return filled(ask, instructor.Mode.TOOLS)


def structured_by_strict_tool(ask):
    return filled(ask, instructor.Mode.TOOLS_STRICT)


def structured_async(ask):
    async def answer():
        async with openai.AsyncOpenAI(base_url=ask.url, api_key=ask.key, max_retries=0) as client:
            patched = instructor.from_openai(client, mode=instructor.Mode.TOOLS)
            return await patched.chat.completions.create(response_model=Place, max_retries=0, **more(ask))

    return {"value": ask.wait(answer()).model_dump()}


def tools(ask):
    """Which calls the model wants, then the answer to their results, from the raw completions."""
    client = connect(ask).chat.completions
    asked = more(ask)
    first = client.create(response_model=None, tools=[WEATHER], **asked)
    message = first.choices[0].message
    asked["messages"].append(message.model_dump())
    asked["messages"] += [
        {"role": "tool", "tool_call_id": call.id, "content": ask.result} for call in message.tool_calls
    ]
    second = client.create(response_model=None, tools=[WEATHER], **asked)
    return {
        **of_completion(second),
        "calls": [
            {"name": call.function.name, "arguments": json.loads(call.function.arguments)}
            for call in message.tool_calls
        ],
        "finish": [first.choices[0].finish_reason, second.choices[0].finish_reason],
        "first_text": message.content,
    }


def parallel_tools(ask):
    """Several calls in one answer, each a filled model."""
    found = connect(ask, instructor.Mode.PARALLEL_TOOLS).chat.completions.create(
        response_model=Iterable[Weather], max_retries=0, **more(ask)
    )
    return {"values": [value.model_dump() for value in found]}


def stream_by(ask, mode):
    *_, last = connect(ask, mode).chat.completions.create_partial(
        response_model=Place, max_retries=0, **more(ask)
    )
    return {"value": last.model_dump()}


def stream_tools(ask):
    return stream_by(ask, instructor.Mode.TOOLS)


def stream_structured(ask):
    return stream_by(ask, instructor.Mode.JSON_SCHEMA)


def stream_several(ask):
    """`create_iterable`: a list of models, each as soon as it is complete."""
    found = connect(ask, instructor.Mode.TOOLS).chat.completions.create_iterable(
        response_model=Place, max_retries=0, **more(ask)
    )
    return {"values": [value.model_dump() for value in found]}


def responses_by_tool(ask):
    asked = more(ask)
    value = connect(ask, instructor.Mode.RESPONSES_TOOLS).responses.create(
        input=ask.prompt, model=asked["model"], response_model=Place, max_retries=0
    )
    return {"value": value.model_dump()}
