"""Reading a multipart form: bounded as any body is, and never by way of files on disk."""

from __future__ import annotations

import io
from typing import NamedTuple

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from grok2api.errors import BadRequest
from grok2api.web.body import read_body

_MAX_PARTS = 1000


class Form(NamedTuple):
    """Names and texts, and names and contents of files, in the order in which they came."""

    fields: list[tuple[str, str]]
    files: list[tuple[str, bytes]]


def read_form() -> Form:
    """The body's form. Raises BadRequest; 408 for a slow body, 413 for a large one."""
    body = read_body()
    parser = FormDataParser(
        stream_factory=lambda *_, **__: io.BytesIO(),
        max_form_memory_size=request.max_content_length,
        max_form_parts=_MAX_PARTS,
        silent=False,
    )
    try:
        _, fields, files = parser.parse(
            io.BytesIO(body), request.mimetype, len(body), request.mimetype_params
        )
    except RequestEntityTooLarge as error:  # the body as a whole has been measured already
        raise BadRequest(f"The form has more than {_MAX_PARTS} parts.") from error
    except ValueError as error:
        raise BadRequest("The body is not a multipart form, or breaks off.") from error
    return Form(
        list(fields.items(multi=True)), [(name, file.read()) for name, file in files.items(multi=True)]
    )
