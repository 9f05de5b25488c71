"""`instructor` over the `openai` package."""

from __future__ import annotations

import pytest

from tests.clients.conformance import (
    FENCED,
    PLACE,
    FillsByTool,
    ListsModels,
    Raised,
    StopsAtTexts,
    calling,
    saying,
    usage_is_told,
)
from tests.clients.program import Client


class TestInstructor(ListsModels, StopsAtTexts, FillsByTool):
    family = "instructor"
    wrong_key = Raised("openai.AuthenticationError", 401, "key")
    no_account = Raised("openai.InternalServerError", 503, "account")
    exhausted = Raised("openai.RateLimitError", 429)
    unknown_model = Raised("openai.NotFoundError", 404, "gpt-none")
    broken_stream = Raised("openai.APIError", None, "broke off")

    def test_what_a_model_was_filled_from_is_told(self, client: Client) -> None:
        seen = client.sees("structured_by_tool", saying(calling("Place")))
        assert usage_is_told(seen["usage"])

    @pytest.mark.parametrize("case", ["structured_by_strict_tool", "structured_async"])
    def test_its_other_ways_to_fill_a_model_by_a_tool_work_too(self, client: Client, case: str) -> None:
        assert client.sees(case, saying(calling("Place")))["value"] == PLACE

    def test_a_model_is_filled_bit_by_bit(self, client: Client) -> None:
        assert client.sees("stream_tools", saying(calling("PartialPlace")))["value"] == PLACE

    def test_a_model_is_filled_from_markdown(self, client: Client) -> None:
        """It asks for no format then; what upstream says comes through as it is."""
        assert client.sees("structured_in_markdown", saying(FENCED))["value"] == PLACE

    def test_several_calls_fill_several_models(self, client: Client) -> None:
        calls = [calling("Weather", f'{{"city": "{city}"}}') for city in ("Paris", "Rome")]
        seen = client.sees("parallel_tools", saying("\n".join(calls)))
        assert seen["values"] == [{"city": "Paris"}, {"city": "Rome"}]

    def test_a_list_is_streamed_model_by_model(self, client: Client) -> None:
        both = '{"tasks": [{"city": "Paris", "population": 1}, {"city": "Rome", "population": 2}]}'
        seen = client.sees("stream_several", saying(calling("IterablePlace", both)))
        assert [value["city"] for value in seen["values"]] == ["Paris", "Rome"]

    def test_a_response_fills_a_model(self, client: Client) -> None:
        assert client.sees("responses_by_tool", saying(calling("Place")))["value"] == PLACE
