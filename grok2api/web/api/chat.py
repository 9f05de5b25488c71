"""POST /v1/chat/completions."""

from __future__ import annotations

from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from grok2api.web.api.answering import answer
from grok2api.web.api.guard import blueprint
from grok2api.web.api.parse import parse_chat
from grok2api.web.api.policy import apply_policy
from grok2api.web.api.render import ChatChunks, chat_completion
from grok2api.web.body import read_json
from grok2api.web.services import get_services


@blueprint.post("/chat/completions")
def create_chat_completion() -> Response:
    """Streams chunks or answers with one completion."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    document = read_json()
    chat = apply_policy(parse_chat(document), document, get_services().settings.snapshot())
    return answer(chat, streamed=lambda: ChatChunks(chat), whole=lambda events: chat_completion(chat, events))
