"""`pydantic-ai`: agents over its OpenAI models, with tools and all its kinds of structured output."""

from __future__ import annotations

from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, PromptedOutput
from pydantic_ai.messages import ModelResponse, ThinkingPart, ToolCallPart
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider


class Place(BaseModel):
    """A place and how many live there."""

    city: str
    population: int


def with_agent(ask, use, kind=OpenAIChatModel, **more):
    """What the coroutine `use(agent)` returns. A client of its own for each event loop."""

    async def within():
        async with AsyncOpenAI(base_url=ask.url, api_key=ask.key, max_retries=0, timeout=30) as client:
            model = kind(ask.model, provider=OpenAIProvider(openai_client=client))
            return await use(Agent(model, model_settings=getattr(ask, "options", None), retries=0, **more))

    return ask.wait(within())


def of_result(result):
    answers = [message for message in result.all_messages() if isinstance(message, ModelResponse)]
    parts = [part for answer in answers for part in answer.parts]
    usage, output = result.usage, result.output
    return {
        "text": output if isinstance(output, str) else None,
        "value": output.model_dump() if isinstance(output, BaseModel) else None,
        "reasoning": "".join(part.content for part in parts if isinstance(part, ThinkingPart)) or None,
        "finish": [str(answer.finish_reason) for answer in answers],
        "calls": [
            {"name": part.tool_name, "arguments": part.args_as_dict()}
            for part in parts
            if isinstance(part, ToolCallPart)
        ],
        "usage": {
            "input": usage.input_tokens,
            "output": usage.output_tokens,
            "total": usage.input_tokens + usage.output_tokens,
        },
    }


def whole(ask, kind=OpenAIChatModel, **more):
    async def use(agent):
        return of_result(await agent.run(ask.prompt))

    return with_agent(ask, use, kind, **more)


def streamed(ask, kind=OpenAIChatModel, **more):
    async def use(agent):
        async with agent.run_stream(ask.prompt) as result:
            pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
            seen = await result.get_output()
        return {
            "text": seen,
            "pieces": len(pieces),
            "finish": str(result.response.finish_reason),
            "reasoning": "".join(
                part.content for part in result.response.parts if isinstance(part, ThinkingPart)
            )
            or None,
            "usage": {
                "input": result.response.usage.input_tokens,
                "output": result.response.usage.output_tokens,
                "total": result.response.usage.input_tokens + result.response.usage.output_tokens,
            },
        }

    return with_agent(ask, use, kind, **more)


def with_weather(ask, kind=OpenAIChatModel, *, stream=False):
    async def use(agent):
        @agent.tool_plain
        def get_weather(city: str) -> str:
            """The weather of a city."""
            return ask.result

        if not stream:
            return of_result(await agent.run(ask.prompt))
        async with agent.run_stream(ask.prompt) as result:
            await result.get_output()
            return {**of_result_of_stream(result), "text": await result.get_output()}

    return with_agent(ask, use, kind)


def of_result_of_stream(result):
    answers = [message for message in result.all_messages() if isinstance(message, ModelResponse)]
    return {
        "calls": [
            {"name": part.tool_name, "arguments": part.args_as_dict()}
            for answer in answers
            for part in answer.parts
            if isinstance(part, ToolCallPart)
        ],
        "finish": [str(answer.finish_reason) for answer in answers],
    }


def models(ask):
    async def answer():
        async with AsyncOpenAI(base_url=ask.url, api_key=ask.key, max_retries=0) as client:
            provider = OpenAIProvider(openai_client=client)
            return [model.id async for model in provider.client.models.list()]

    return {"models": ask.wait(answer())}


def chat(ask):
    return one_finish(whole(ask))


def one_finish(seen):
    return {**seen, "finish": seen["finish"][-1]}


def stream(ask):
    return streamed(ask)


def tools(ask):
    return with_weather(ask)


def stream_tools(ask):
    return with_weather(ask, stream=True)


def structured(ask):
    return whole(ask, output_type=NativeOutput(Place))


def structured_by_tool(ask):
    """How pydantic-ai does it unless told otherwise: a tool `final_result` that must be called."""
    return whole(ask, output_type=Place)


def json_object(ask):
    return whole(ask, output_type=PromptedOutput(Place))


def stream_structured(ask):
    async def use(agent):
        async with agent.run_stream(ask.prompt) as result:
            return {"value": (await result.get_output()).model_dump()}

    return with_agent(ask, use, output_type=NativeOutput(Place))


def responses(ask):
    return one_finish(whole(ask, OpenAIResponsesModel))


def responses_stream(ask):
    return streamed(ask, OpenAIResponsesModel)


def responses_tools(ask):
    return with_weather(ask, OpenAIResponsesModel)


def responses_structured(ask):
    return whole(ask, OpenAIResponsesModel, output_type=NativeOutput(Place))
