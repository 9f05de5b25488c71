"""POST /v1/images/generations and /v1/images/edits."""

from __future__ import annotations

import time
from base64 import b64encode
from dataclasses import replace
from typing import Any

from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from grok2api.events import Event, Image
from grok2api.messages import ImageRequest
from grok2api.web.api.answering import media_base, run
from grok2api.web.api.guard import blueprint, check_model
from grok2api.web.api.parse_images import parse_edit, parse_generation
from grok2api.web.api.policy import refuse_ignored
from grok2api.web.body import read_json
from grok2api.web.form import read_form
from grok2api.web.services import get_services


@blueprint.post("/images/generations")
def create_images() -> Response:
    """Pictures of a prompt, as links or whole."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    return _answer(parse_generation(read_json()))


@blueprint.post("/images/edits")
def edit_images() -> Response:
    """Pictures made of others; the body is a form, as OpenAI's."""
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("The body must be a form with Content-Type: multipart/form-data.")
    return _answer(parse_edit(read_form()))


def _answer(asked: ImageRequest) -> Response:
    services = get_services()
    refuse_ignored(asked.ignored, services.settings.snapshot())
    check_model(asked.model)
    services.images.check(asked)
    asked = replace(asked, media_base=media_base())
    return run(
        lambda end, trace: services.images.answer(asked, end, trace),
        kind="images",
        model=asked.model,
        ignored=asked.ignored,
        whole=lambda events: _images(asked, events),
    )


def _images(asked: ImageRequest, events: list[Event]) -> dict[str, Any]:
    media = get_services().media
    paths = [event.path for event in events if isinstance(event, Image)]
    if asked.whole:
        data = [{"b64_json": b64encode(content).decode()} for content in media.read_all(paths)]
    else:
        data = [{"url": media.link(path, asked.media_base)} for path in paths]
    return {"created": int(time.time()), "data": data}
