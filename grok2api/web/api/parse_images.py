"""What is asked of the images endpoints to an ImageRequest, or a BadRequest that names the field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from grok2api.errors import BadRequest
from grok2api.messages import ImageRequest, Picture
from grok2api.services.pictures import MAX_PICTURES
from grok2api.web.api.checkers import boolean, integer, matching, needed, one_of, text
from grok2api.web.api.parameters import Parameter, Table, check_parameters, ignored_names, model_name
from grok2api.web.form import Form

DEFAULT_MODEL = "grok-imagine-0.9"
MAX_N = 10

#: OpenAI's models of this family give whole pictures, and have no parameter that asks for links.
_GIVES_WHOLE = "gpt-image"
_MAX_PROMPT = 32_000
_NUMBERS = ("n", "output_compression", "partial_images")
_FLAGS = {"true": True, "false": False}
#: How forms name one or several pictures.
_PICTURE_FIELD = re.compile(r"image(?:\[\d{0,4}\])?", re.ASCII)

_size = matching(r"auto|\d{2,5}x\d{2,5}", "auto or WIDTHxHEIGHT")


def _unstreamed(value: object, where: str) -> None:
    if boolean(value, where):
        raise BadRequest("Pictures are not streamed by this gateway: leave `stream` out.", where)


_SHARED: Table = {
    "prompt": Parameter(text(_MAX_PROMPT, least=1), honoured=True),
    "model": Parameter(model_name, honoured=True),
    "n": Parameter(integer(1, MAX_N), honoured=True),
    "response_format": Parameter(one_of("url", "b64_json"), honoured=True),
    "stream": Parameter(_unstreamed, honoured=True),
    "background": Parameter(one_of("transparent", "opaque", "auto"), usual=("auto",)),
    "output_compression": Parameter(integer(0, 100)),
    "output_format": Parameter(one_of("png", "jpeg", "webp"), usual=("jpeg",)),
    "partial_images": Parameter(integer(0, 3), usual=(0,)),
    "quality": Parameter(one_of("auto", "standard", "hd", "low", "medium", "high"), usual=("auto",)),
    "size": Parameter(_size, usual=("auto",)),
    "user": Parameter(text()),
}
GENERATION_PARAMETERS: Table = {
    **_SHARED,
    "moderation": Parameter(one_of("low", "auto"), usual=("auto",)),
    "style": Parameter(one_of("vivid", "natural")),
}
EDIT_PARAMETERS: Table = {**_SHARED, "input_fidelity": Parameter(one_of("high", "low"))}


def parse_generation(document: Mapping[str, Any]) -> ImageRequest:
    """Raises BadRequest."""
    check_parameters(document, GENERATION_PARAMETERS)
    return _request(document, ignored_names(document, GENERATION_PARAMETERS), ())


def parse_edit(form: Form) -> ImageRequest:
    """Raises BadRequest."""
    document = {name: _value(name, value) for name, value in form.fields}
    check_parameters(document, EDIT_PARAMETERS)
    pictures = tuple(
        Picture(f"image[{index}]", content=content)
        for index, content in enumerate(
            content for name, content in form.files if _PICTURE_FIELD.fullmatch(name)
        )
    )
    if not pictures:
        raise BadRequest("`image` must be the file of at least one picture.", "image")
    if len(pictures) > MAX_PICTURES:
        raise BadRequest(f"At most {MAX_PICTURES} pictures can be edited at once.", "image")
    unread = {name: True for name, _ in form.files if not _PICTURE_FIELD.fullmatch(name)}
    return _request(document, ignored_names({**document, **unread}, EDIT_PARAMETERS), pictures)


def _request(
    document: Mapping[str, Any], ignored: tuple[str, ...], pictures: tuple[Picture, ...]
) -> ImageRequest:
    prompt = needed(document, "prompt", text(_MAX_PROMPT, least=1))
    if not prompt.strip():
        raise BadRequest("`prompt` has no words.", "prompt")
    model = document.get("model") or DEFAULT_MODEL
    usual = "b64_json" if model.startswith(_GIVES_WHOLE) else "url"
    return ImageRequest(
        model=model,
        prompt=prompt,
        n=int(document.get("n") or 1),
        pictures=pictures,
        whole=(document.get("response_format") or usual) == "b64_json",
        ignored=ignored,
    )


def _value(name: str, value: str) -> object:
    """A form has only texts; an empty one is not sent."""
    if name == "prompt":
        return value
    if name in _NUMBERS and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if name == "stream":
        return _FLAGS.get(value.lower(), value)
    return value or None
