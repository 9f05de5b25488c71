"""The official `openai` Python SDK, unmodified, against the gateway: sync and async, streamed and not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import openai
import pytest

from tests.gateway import Gateway
from tests.simulator.client import directive
from tests.simulator.pictures import png

KEY = "sk-test-key"


def _user(prompt: str) -> list[openai.types.chat.ChatCompletionMessageParam]:
    return [{"role": "user", "content": prompt}]


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def keyed(shared_gateway: Gateway) -> Iterator[Gateway]:
    """The gateway with a key set, for all tests that ask for it in this module."""
    shared_gateway.set_settings(api_key=KEY)
    yield shared_gateway
    shared_gateway.restore_settings()


def test_a_chat_is_answered(client: openai.OpenAI) -> None:
    prompt = directive("plain", tokens=3)
    answer = client.chat.completions.create(model="grok-4.1", messages=_user(prompt))
    assert answer.choices[0].message.content == "w0 w1 w2"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None and answer.usage.total_tokens > 0


def test_a_chat_is_streamed(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="grok-4.1",
        messages=_user(directive("plain", tokens=3)),
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == "w0 w1 w2"
    assert chunks[-1].usage is not None


def test_the_streaming_helper_accumulates_the_answer(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model="grok-4.1", messages=_user(directive("plain", tokens=3))
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert "content.delta" in kinds
    assert final.choices[0].message.content == "w0 w1 w2"


def test_chats_are_answered_and_streamed_asynchronously(gateway: Gateway) -> None:
    async def ask() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="none", max_retries=0) as sdk:
            prompts = [directive("plain", tokens=n) for n in range(1, 9)]
            whole = await asyncio.gather(
                *(sdk.chat.completions.create(model="grok-4.1", messages=_user(p)) for p in prompts)
            )
            stream = await sdk.chat.completions.create(
                model="grok-4.1", messages=_user(prompts[-1]), stream=True
            )
            return [answer.choices[0].message.content or "" for answer in whole] + [await _text(stream)]

    texts = asyncio.run(ask())
    assert [len(text.split()) for text in texts] == [1, 2, 3, 4, 5, 6, 7, 8, 8]


async def _text(stream: AsyncIterator[openai.types.chat.ChatCompletionChunk]) -> str:
    return "".join([choice.delta.content or "" async for chunk in stream for choice in chunk.choices])


def test_models_are_listed_and_retrieved(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert len(names) == 10
    assert client.models.retrieve("grok-4-heavy").id == "grok-4-heavy"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-4")
    assert caught.value.code == "model_not_found"


def test_pictures_are_made_and_edited(client: openai.OpenAI) -> None:
    made = client.images.generate(prompt="a sea otter", n=2)
    assert made.data is not None and all(image.url for image in made.data) and len(made.data) == 2
    whole = client.images.generate(prompt="a sea otter", response_format="b64_json")
    assert whole.data is not None and whole.data[0].b64_json
    edited = client.images.edit(image=[("a.png", png("a")), ("b.png", png("b"))], prompt="add a hat")
    assert edited.data is not None and edited.data[0].url
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(image=("a.png", b"no picture"), prompt="add a hat")
    assert caught.value.param == "image[0]"


def test_errors_become_the_sdks_own_exceptions(client: openai.OpenAI, gateway: Gateway) -> None:
    def ask(prompt: str, model: str = "grok-4.1") -> None:
        client.chat.completions.create(model=model, messages=_user(prompt))

    with pytest.raises(openai.NotFoundError):
        ask("Hello", model="nope")
    with pytest.raises(openai.BadRequestError) as bad:
        client.chat.completions.create(model="grok-4.1", messages=_user("Hello"), n=2)
    assert bad.value.param == "n"
    with pytest.raises(openai.RateLimitError):
        ask(directive("429"))
    with pytest.raises(openai.InternalServerError) as failed:
        ask(directive("403_cloudflare"))
    assert failed.value.status_code == 502
    gateway.set_accounts()
    with pytest.raises(openai.InternalServerError) as none:
        ask("Hello")
    assert none.value.status_code == 503
    assert none.value.request_id


def test_a_failure_in_the_middle_of_a_stream_is_raised(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="grok-4.1", messages=_user(directive("reset_mid", tokens=3)), stream=True
    )
    with pytest.raises(openai.APIError, match="broke off"):
        list(stream)


@pytest.mark.parametrize("key", ["wrong", "", "sk-test-key2", "ключ".encode().decode("latin-1")])
def test_a_wrong_key_is_an_authentication_error(keyed: Gateway, key: str) -> None:
    response = keyed.session.get(
        f"{keyed.url}/v1/models", headers={"Authorization": f"Bearer {key}".encode("latin-1")}
    )
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"


def test_the_right_key_opens_and_none_does_not(keyed: Gateway) -> None:
    with openai.OpenAI(base_url=f"{keyed.url}/v1", api_key=KEY, max_retries=0) as sdk:
        assert list(sdk.models.list())
    with (
        openai.OpenAI(base_url=f"{keyed.url}/v1", api_key="wrong", max_retries=0) as sdk,
        pytest.raises(openai.AuthenticationError),
    ):
        sdk.models.list()
    assert keyed.session.get(f"{keyed.url}/v1/models").status_code == 401
    assert keyed.session.get(f"{keyed.url}/health").status_code == 200
