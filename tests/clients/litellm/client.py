"""`litellm` with the provider `openai/…`: completion, acompletion, responses."""

from __future__ import annotations

import json

import litellm
from pydantic import BaseModel

#: Its own, about its own types.
HARMLESS = [
    r".* qualifier\. Pydantic will not protect",
    "(?s)Pydantic serializer warnings.*field_name='usage'",
]


class Place(BaseModel):
    city: str
    population: int


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


def to(ask):
    return {
        "model": f"openai/{ask.model}",
        "api_base": ask.url,
        "api_key": ask.key,
        "max_retries": 0,
        "num_retries": 0,
        "timeout": 30,
        **getattr(ask, "options", {}),
    }


def user(ask):
    return [{"role": "user", "content": ask.prompt}]


def of_usage(usage):
    if usage is None:
        return None
    return {"input": usage.prompt_tokens, "output": usage.completion_tokens, "total": usage.total_tokens}


def of_calls(message):
    return [
        {"name": call.function.name, "arguments": json.loads(call.function.arguments)}
        for call in message.tool_calls or ()
    ]


def of_completion(completion):
    choice = completion.choices[0]
    return {
        "text": choice.message.content,
        "reasoning": getattr(choice.message, "reasoning_content", None),
        "finish": choice.finish_reason,
        "calls": of_calls(choice.message),
        "usage": of_usage(completion.usage),
    }


def joined(chunks):
    whole = litellm.stream_chunk_builder(chunks)
    pieces = sum(bool(choice.delta.content) for chunk in chunks for choice in chunk.choices)
    finish = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    return {**of_completion(whole), "pieces": pieces, "finish": finish}


def models(ask):
    found = litellm.get_valid_models(
        check_provider_endpoint=True, custom_llm_provider="openai", api_base=ask.url, api_key=ask.key
    )
    return {"models": [name.removeprefix("openai/") for name in found]}


def chat(ask):
    return of_completion(litellm.completion(messages=user(ask), **to(ask)))


def chat_async(ask):
    return of_completion(ask.wait(litellm.acompletion(messages=user(ask), **to(ask))))


def stream(ask):
    more = {"stream": True, "stream_options": {"include_usage": True}}
    return joined(list(litellm.completion(messages=user(ask), **more, **to(ask))))


def stream_async(ask):
    async def answer():
        more = {"stream": True, "stream_options": {"include_usage": True}}
        return [chunk async for chunk in await litellm.acompletion(messages=user(ask), **more, **to(ask))]

    return joined(ask.wait(answer()))


def tools(ask):
    """A call, its result, the answer."""
    messages = user(ask)
    first = litellm.completion(messages=messages, tools=[WEATHER], **to(ask))
    message = first.choices[0].message
    messages.append(message)
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": ask.result} for call in message.tool_calls
    ]
    second = litellm.completion(messages=messages, tools=[WEATHER], **to(ask))
    return {
        **of_completion(second),
        "calls": of_calls(message),
        "finish": [first.choices[0].finish_reason, second.choices[0].finish_reason],
        "first_text": message.content,
    }


def stream_tools(ask):
    return joined(list(litellm.completion(messages=user(ask), tools=[WEATHER], stream=True, **to(ask))))


def structured(ask):
    seen = of_completion(litellm.completion(messages=user(ask), response_format=Place, **to(ask)))
    return {**seen, "value": Place.model_validate_json(seen["text"]).model_dump()}


def stream_structured(ask):
    seen = joined(list(litellm.completion(messages=user(ask), response_format=Place, stream=True, **to(ask))))
    return {**seen, "value": Place.model_validate_json(seen["text"]).model_dump()}


def json_object(ask):
    seen = of_completion(
        litellm.completion(messages=user(ask), response_format={"type": "json_object"}, **to(ask))
    )
    return {**seen, "value": json.loads(seen["text"])}


def structured_by_tool(ask):
    """What litellm offers for it: the function that a pydantic model stands for."""
    schema = {"name": "Place", "parameters": Place.model_json_schema()}
    choice = {"type": "function", "function": {"name": "Place"}}
    completion = litellm.completion(
        messages=user(ask), tools=[{"type": "function", "function": schema}], tool_choice=choice, **to(ask)
    )
    seen = of_completion(completion)
    return {**seen, "value": Place.model_validate(seen["calls"][0]["arguments"]).model_dump()}


def of_response(response):
    content = [item for item in response.output if item.type == "message"]
    calls = [item for item in response.output if item.type == "function_call"]
    return {
        "text": "".join(part.text for item in content for part in item.content),
        "calls": [{"name": call.name, "arguments": json.loads(call.arguments)} for call in calls],
        "usage": {
            "input": response.usage.input_tokens,
            "output": response.usage.output_tokens,
            "total": response.usage.total_tokens,
        },
    }


def responses(ask):
    return of_response(litellm.responses(input=ask.prompt, **to(ask)))


def responses_stream(ask):
    events = list(litellm.responses(input=ask.prompt, stream=True, **to(ask)))
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    return {**of_response(events[-1].response), "deltas": deltas, "kinds": [str(e.type) for e in events]}
