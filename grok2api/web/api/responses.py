"""POST /v1/responses, and GET and DELETE of stored ones: OpenAI's Responses API over the same core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from grok2api.errors import BadRequest, UnknownResponse
from grok2api.services.response_book import KeptResponse
from grok2api.web.api.answering import answer
from grok2api.web.api.checkers import integer, one_of
from grok2api.web.api.guard import blueprint, client_digest
from grok2api.web.api.parse_items import Item
from grok2api.web.api.parse_responses import RESPONSE_LIMITS, parse_response
from grok2api.web.api.policy import apply_policy
from grok2api.web.api.render_responses import (
    ResponseStream,
    as_of_responses,
    response_id_of,
    whole_response,
)
from grok2api.web.body import read_json
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

_PAGE = 20
#: Stored conversations that one request may refer to items of, as JSON.
_FETCHED_MAX_BYTES = 64 * 1024 * 1024


@blueprint.post("/responses")
def create_response() -> Response:
    """Streams semantic events or answers with one response; the status waits for the first content."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    document = read_json()
    asked = parse_response(document, _earlier(document.get("previous_response_id")), _Items().find)
    chat = apply_policy(asked.chat, document, get_services().settings.snapshot(), RESPONSE_LIMITS)
    owner = client_digest()

    def keep(response: dict[str, Any]) -> None:
        if asked.store:
            items = _with_ids(asked.items, response["id"])
            response["store"] = book.keep(owner, response, items)

    book = get_services().responses
    try:
        return answer(
            chat,
            streamed=lambda: ResponseStream(asked, keep),
            whole=lambda events: whole_response(asked, events, keep),
        )
    except BadRequest as error:
        raise as_of_responses(error) from None


@blueprint.get("/responses/resp_<name>")
def retrieve_response(name: str) -> Response:
    if request.args.get("stream", "false") != "false":
        raise BadRequest("A stored response cannot be streamed again.", "stream")
    return json_response(_kept(name).response)


@blueprint.delete("/responses/resp_<name>")
def delete_response(name: str) -> Response:
    id_ = f"resp_{name}"
    if not get_services().responses.forget(client_digest(), id_):
        raise UnknownResponse(id_)
    return json_response({"id": id_, "object": "response", "deleted": True})


@blueprint.get("/responses/resp_<name>/input_items")
def list_input_items(name: str) -> Response:
    """A page of what a response was made from: `limit`, `order`, `after` as OpenAI's."""
    items = _kept(name).items
    if one_of("asc", "desc")(request.args.get("order", "desc"), "order") == "desc":
        items = items[::-1]
    after = request.args.get("after")
    if after is not None:
        ids = [item["id"] for item in items]
        items = items[ids.index(after) + 1 :] if after in ids else []
    limit = integer(1, 100)(_number(request.args.get("limit", str(_PAGE))), "limit")
    page = items[:limit]
    return json_response(
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else "",
            "last_id": page[-1]["id"] if page else "",
            "has_more": len(items) > len(page),
        }
    )


def _kept(name: str) -> KeptResponse:
    """name: the id without its prefix, which tells these routes from OpenAI's others."""
    kept = get_services().responses.get(client_digest(), f"resp_{name}")
    if kept is None:
        raise UnknownResponse(f"resp_{name}")
    return kept


def _earlier(name: object) -> Sequence[Item]:
    """The conversation that a request goes on with."""
    if name is None:
        return ()
    kept = get_services().responses.get(client_digest(), name) if isinstance(name, str) else None
    if kept is None:
        raise BadRequest(
            f"Previous response with id '{str(name)[:100]}' not found.",
            "previous_response_id",
            "previous_response_not_found",
        )
    return kept.conversation


class _Items:
    """Finds stored items by their ids for one request. Each response is fetched once, each item given once: what a
    request may ask for so is bounded, small as it is itself."""

    def __init__(self) -> None:
        self._conversations: dict[str, dict[str, Item]] = {}
        self._left = _FETCHED_MAX_BYTES

    def find(self, item_id: str) -> Item | None:
        name = response_id_of(item_id)
        if name not in self._conversations:
            kept = get_services().responses.get(client_digest(), name)
            self._left -= kept.size if kept is not None else 0
            if self._left < 0:
                raise BadRequest("The responses that `input` refers to are too large together.", "input")
            found = kept.conversation if kept is not None else ()
            self._conversations[name] = {str(item.get("id")): item for item in found}
        return self._conversations[name].pop(item_id, None)  # given twice, it would cost twice


def _with_ids(items: Sequence[Item], response_id: str) -> list[Mapping[str, Any]]:
    """Items as they are kept and listed: with an id each that no other has, and messages' texts as parts."""
    listed: list[Mapping[str, Any]] = []
    seen: set[str] = set()
    for index, item in enumerate(items):
        kept = dict(item)
        if "role" in kept:
            kept = _as_message(kept)
        if not isinstance(kept.get("id"), str) or kept["id"] in seen:
            kept["id"] = f"item_{response_id.partition('_')[2]}-in{index}"
        seen.add(kept["id"])
        listed.append(kept)
    return listed


def _as_message(item: dict[str, Any]) -> dict[str, Any]:
    """A message with all that OpenAI's have."""
    text = item.get("content")
    if isinstance(text, str) and item["role"] == "assistant":
        item["content"] = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    elif isinstance(text, str):
        item["content"] = [{"type": "input_text", "text": text}]
    return {"type": "message", "status": "completed"} | item


def _number(text: str) -> object:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text
