"""`langchain-openai`: ChatOpenAI whole, streamed, with tools, with structured output, and over Responses."""

from __future__ import annotations

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

#: Its own, about the `openai` package's types, when it parses a streamed answer.
HARMLESS = ["(?s)Pydantic serializer warnings.*field_name='parsed'"]


class Place(BaseModel):
    """A place and how many live there."""

    city: str
    population: int


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    raise AssertionError(f"only asked for, never run: {city}")


def connect(ask, **more):
    options = getattr(ask, "options", {})
    return ChatOpenAI(
        base_url=ask.url,
        api_key=ask.key,
        model=ask.model,
        max_retries=0,
        timeout=30,
        stream_usage=True,
        **options,
        **more,
    )


def of_usage(message):
    usage = message.usage_metadata
    if usage is None:
        return None
    return {"input": usage["input_tokens"], "output": usage["output_tokens"], "total": usage["total_tokens"]}


def of_message(message):
    return {
        "text": message.text,
        "reasoning": message.additional_kwargs.get("reasoning_content"),
        "finish": message.response_metadata.get("finish_reason"),
        "calls": [{"name": call["name"], "arguments": call["args"]} for call in message.tool_calls],
        "invalid_calls": len(message.invalid_tool_calls),
        "usage": of_usage(message),
        "model": message.response_metadata.get("model_name"),
    }


def joined(chunks):
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return {**of_message(whole), "pieces": sum(bool(chunk.text) for chunk in chunks)}


def models(ask):
    return {"models": [model.id for model in connect(ask).root_client.models.list()]}


def chat(ask):
    return of_message(connect(ask).invoke(ask.prompt))


def chat_async(ask):
    return of_message(ask.wait(connect(ask).ainvoke(ask.prompt)))


def stream(ask):
    return joined(list(connect(ask).stream(ask.prompt)))


def stream_async(ask):
    async def answer():
        return [chunk async for chunk in connect(ask).astream(ask.prompt)]

    return joined(ask.wait(answer()))


def tools(ask):
    """A call, its result, the answer."""
    return tool_round(ask, connect(ask))


def tool_round(ask, model):
    model = model.bind_tools([get_weather])
    messages = [HumanMessage(ask.prompt)]
    first = model.invoke(messages)
    messages.append(first)
    messages += [ToolMessage(ask.result, tool_call_id=call["id"]) for call in first.tool_calls]
    second = model.invoke(messages)
    seen = of_message(first)
    return {
        **of_message(second),
        "calls": seen["calls"],
        "finish": [seen["finish"], of_message(second)["finish"]],
        "first_text": seen["text"],
    }


def stream_tools(ask):
    return joined(list(connect(ask).bind_tools([get_weather]).stream(ask.prompt)))


def with_structure(ask, method, **options):
    found = connect(ask).with_structured_output(Place, method=method, include_raw=True, **options)
    answer = found.invoke(ask.prompt)
    if answer["parsing_error"] is not None:
        raise answer["parsing_error"]
    return {**of_message(answer["raw"]), "value": answer["parsed"].model_dump()}


def structured(ask):
    return with_structure(ask, "json_schema")


def structured_strictly(ask):
    return with_structure(ask, "json_schema", strict=True)


def structured_by_tool(ask):
    return with_structure(ask, "function_calling")


def json_object(ask):
    return with_structure(ask, "json_mode")


def stream_structured(ask):
    *_, last = connect(ask).with_structured_output(Place, method="json_schema").stream(ask.prompt)
    return {"value": last.model_dump()}


def responses(ask):
    return of_message(connect(ask, use_responses_api=True).invoke(ask.prompt))


def responses_stream(ask):
    return joined(list(connect(ask, use_responses_api=True).stream(ask.prompt)))


def responses_tools(ask):
    return tool_round(ask, connect(ask, use_responses_api=True))


def responses_structured(ask):
    model = connect(ask, use_responses_api=True).with_structured_output(Place, method="json_schema")
    return {"value": model.invoke(ask.prompt).model_dump()}
