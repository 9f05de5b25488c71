"""The official `openai` package for Python: sync, async, its helpers for streams and for parsing, and Responses."""

from __future__ import annotations

import json

import openai
from pydantic import BaseModel


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
            "additionalProperties": False,
        },
        "strict": True,
    },
}
WEATHER_RESPONSES = {"type": "function", **WEATHER["function"]}


def connect(ask):
    # An answer that does not fit OpenAI's own types is an APIResponseValidationError.
    return openai.OpenAI(
        base_url=ask.url, api_key=ask.key, max_retries=0, timeout=30, _strict_response_validation=True
    )


def connect_async(ask):
    return openai.AsyncOpenAI(
        base_url=ask.url, api_key=ask.key, max_retries=0, timeout=30, _strict_response_validation=True
    )


def user(ask):
    return [{"role": "user", "content": ask.prompt}]


def options(ask):
    return getattr(ask, "options", {})


def of_usage(usage):
    if usage is None:
        return None
    return {"input": usage.prompt_tokens, "output": usage.completion_tokens, "total": usage.total_tokens}


def of_calls(calls):
    return [
        {"name": call.function.name, "arguments": json.loads(call.function.arguments)} for call in calls or ()
    ]


def of_completion(completion):
    choice = completion.choices[0]
    return {
        "text": choice.message.content,
        "reasoning": getattr(choice.message, "reasoning_content", None),
        "finish": choice.finish_reason,
        "calls": of_calls(choice.message.tool_calls),
        "usage": of_usage(completion.usage),
    }


def models(ask):
    with connect(ask) as client:
        return {"models": [model.id for model in client.models.list()]}


def model(ask):
    with connect(ask) as client:
        return {"model": client.models.retrieve(ask.model).id}


def chat(ask):
    with connect(ask) as client:
        return of_completion(
            client.chat.completions.create(model=ask.model, messages=user(ask), **options(ask))
        )


def chat_async(ask):
    async def answer():
        async with connect_async(ask) as client:
            return await client.chat.completions.create(model=ask.model, messages=user(ask), **options(ask))

    return of_completion(ask.wait(answer()))


def of_chunks(chunks):
    """What a stream amounts to, put together by hand as many programs do."""
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    calls = {}
    for delta in deltas:
        for call in delta.tool_calls or ():
            entry = calls.setdefault(call.index, {"id": None, "name": "", "arguments": ""})
            entry["id"] = call.id or entry["id"]
            entry["name"] += call.function.name or ""
            entry["arguments"] += call.function.arguments or ""
    return {
        "text": "".join(delta.content or "" for delta in deltas),
        "reasoning": "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas),
        "pieces": sum(bool(delta.content) for delta in deltas),
        "finish": [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason],
        "calls": [
            {"name": call["name"], "arguments": json.loads(call["arguments"])} for call in calls.values()
        ],
        "call_ids": [call["id"] for call in calls.values()],
        "usage": of_usage(chunks[-1].usage),
        "ids": sorted({chunk.id for chunk in chunks}),
    }


def stream(ask):
    with (
        connect(ask) as client,
        client.chat.completions.create(
            model=ask.model,
            messages=user(ask),
            stream=True,
            stream_options={"include_usage": True},
            **options(ask),
        ) as chunks,
    ):
        return of_chunks(list(chunks))


def stream_async(ask):
    async def answer():
        async with connect_async(ask) as client:
            chunks = await client.chat.completions.create(
                model=ask.model,
                messages=user(ask),
                stream=True,
                stream_options={"include_usage": True},
                **options(ask),
            )
            return [chunk async for chunk in chunks]

    return of_chunks(ask.wait(answer()))


def stream_helper(ask):
    """The helper `chat.completions.stream`, which checks what it accumulates."""
    with (
        connect(ask) as client,
        client.chat.completions.stream(
            model=ask.model,
            messages=user(ask),
            tools=[openai.pydantic_function_tool(Place)] if hasattr(ask, "with_tool") else openai.omit,
            response_format=Place if hasattr(ask, "with_format") else openai.omit,
            stream_options={"include_usage": True},
            **options(ask),
        ) as events,
    ):
        kinds = sorted({event.type for event in events})
        final = events.get_final_completion()
    message = final.choices[0].message
    parsed = [call.function.parsed_arguments for call in message.tool_calls or ()]
    value = message.parsed or (parsed[0] if parsed else None)
    return {**of_completion(final), "kinds": kinds, "value": value.model_dump() if value else None}


def tools(ask):
    """A call, its result, the answer."""
    with connect(ask) as client:
        messages = user(ask)
        first = client.chat.completions.create(model=ask.model, messages=messages, tools=[WEATHER])
        message = first.choices[0].message
        messages.append(message)
        messages += [
            {"role": "tool", "tool_call_id": call.id, "content": ask.result} for call in message.tool_calls
        ]
        second = client.chat.completions.create(model=ask.model, messages=messages, tools=[WEATHER])
    return {
        **of_completion(second),
        "calls": of_calls(message.tool_calls),
        "finish": [first.choices[0].finish_reason, second.choices[0].finish_reason],
        "first_text": message.content,
    }


def stream_tools(ask):
    return stream(with_options(ask, tools=[WEATHER]))


def with_options(ask, **more):
    ask.options = {**options(ask), **more}
    return ask


def structured(ask):
    with connect(ask) as client:
        completion = client.chat.completions.parse(
            model=ask.model, messages=user(ask), response_format=Place, **options(ask)
        )
    message = completion.choices[0].message
    return {**of_completion(completion), "value": message.parsed.model_dump()}


def structured_by_tool(ask):
    with connect(ask) as client:
        completion = client.chat.completions.parse(
            model=ask.model,
            messages=user(ask),
            tools=[openai.pydantic_function_tool(Place)],
            tool_choice="required",
        )
    call = completion.choices[0].message.tool_calls[0]
    return {**of_completion(completion), "value": call.function.parsed_arguments.model_dump()}


def json_object(ask):
    seen = chat(with_options(ask, response_format={"type": "json_object"}))
    return {**seen, "value": json.loads(seen["text"])}


def stream_structured(ask):
    ask.with_format = True
    return stream_helper(ask)


def of_response(response):
    calls = [item for item in response.output if item.type == "function_call"]
    reasoning = [item for item in response.output if item.type == "reasoning"]
    return {
        "id": response.id,
        "text": response.output_text,
        "status": response.status,
        "calls": [{"name": call.name, "arguments": json.loads(call.arguments)} for call in calls],
        "reasoning": "".join(part.text for item in reasoning for part in item.summary),
        "usage": {
            "input": response.usage.input_tokens,
            "output": response.usage.output_tokens,
            "total": response.usage.total_tokens,
        },
        "incomplete": response.incomplete_details.reason if response.incomplete_details else None,
    }


def responses(ask):
    with connect(ask) as client:
        return of_response(client.responses.create(model=ask.model, input=ask.prompt, **options(ask)))


def responses_async(ask):
    async def answer():
        async with connect_async(ask) as client:
            return await client.responses.create(model=ask.model, input=ask.prompt, **options(ask))

    return of_response(ask.wait(answer()))


def responses_stream(ask):
    """The events of `create(stream=True)`."""
    with connect(ask) as client:
        events = list(client.responses.create(model=ask.model, input=ask.prompt, stream=True, **options(ask)))
    return {
        **of_response(events[-1].response),
        "kinds": [event.type for event in events],
        "numbers": [event.sequence_number for event in events],
        "deltas": "".join(event.delta for event in events if event.type == "response.output_text.delta"),
    }


def responses_stream_helper(ask):
    """The helper `responses.stream`, which checks what it accumulates."""
    with (
        connect(ask) as client,
        client.responses.stream(
            model=ask.model,
            input=ask.prompt,
            text_format=Place if hasattr(ask, "with_format") else openai.omit,
            **options(ask),
        ) as events,
    ):
        kinds = sorted({event.type for event in events})
        final = events.get_final_response()
    value = final.output_parsed.model_dump() if final.output_parsed else None
    return {**of_response(final), "kinds": kinds, "value": value}


def responses_tools(ask):
    """A call, its result sent after `previous_response_id`, the answer."""
    with connect(ask) as client:
        first = client.responses.create(model=ask.model, input=ask.prompt, tools=[WEATHER_RESPONSES])
        results = [
            {"type": "function_call_output", "call_id": item.call_id, "output": ask.result}
            for item in first.output
            if item.type == "function_call"
        ]
        second = client.responses.create(
            model=ask.model, input=results, tools=[WEATHER_RESPONSES], previous_response_id=first.id
        )
    return {**of_response(second), "calls": of_response(first)["calls"]}


def responses_tools_by_hand(ask):
    """The same with the whole history sent again, nothing stored."""
    with connect(ask) as client:
        history = [{"role": "user", "content": ask.prompt}]
        first = client.responses.create(
            model=ask.model, input=history, tools=[WEATHER_RESPONSES], store=False
        )
        history += first.output
        history += [
            {"type": "function_call_output", "call_id": item.call_id, "output": ask.result}
            for item in first.output
            if item.type == "function_call"
        ]
        second = client.responses.create(
            model=ask.model, input=history, tools=[WEATHER_RESPONSES], store=False
        )
    return {**of_response(second), "calls": of_response(first)["calls"]}


def responses_structured(ask):
    with connect(ask) as client:
        response = client.responses.parse(model=ask.model, input=ask.prompt, text_format=Place)
    return {**of_response(response), "value": response.output_parsed.model_dump()}


def responses_stored(ask):
    """Answered after another one, fetched, deleted, gone."""
    with connect(ask) as client:
        first = client.responses.create(model=ask.model, input="My name is Ada. [[sim: plain tokens=1]]")
        second = client.responses.create(
            model=ask.model, input=ask.prompt, previous_response_id=first.id, instructions="Be brief."
        )
        fetched = client.responses.retrieve(second.id)
        client.responses.delete(second.id)
        gone = [raised(client.responses.retrieve, second.id), raised(client.responses.delete, second.id)]
        after = raised(
            client.responses.create, model=ask.model, input="Hello", previous_response_id=second.id
        )
    return {
        **of_response(second),
        "same": fetched.output_text == second.output_text and fetched.id == second.id,
        "previous": second.previous_response_id == first.id,
        "gone": gone,
        "after": after,
    }


def raised(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except openai.APIStatusError as error:
        return type(error).__name__
    return None
