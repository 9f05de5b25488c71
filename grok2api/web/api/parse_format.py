"""`response_format` to an AnswerFormat, and the check of a client's JSON schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grok2api.errors import BadRequest
from grok2api.messages import AnswerFormat
from grok2api.services.schemas import BadSchema, check_extent_together, check_schema
from grok2api.web.api.checkers import boolean, mapping, matching, needed, one_of, refuse, sent, text

#: Of tools and of answer formats.
name_check = matching(r"[A-Za-z0-9_-]{1,64}", "a name of 1 to 64 letters, digits, underscores and dashes")


def parse_response_format(value: object, where: str) -> AnswerFormat | None:
    """The form an answer must have; None: any text. Raises BadRequest."""
    return format_of(mapping(value, where), where, nested=True)


def format_of(fields: Mapping[str, Any], where: str, *, nested: bool) -> AnswerFormat | None:
    """The same of the object that has its `type`. nested: a schema stands in an object of its own in it."""
    kind = needed(fields, "type", one_of("text", "json_object", "json_schema"), where)
    if kind == "text":
        return None
    if kind == "json_object":
        return AnswerFormat()
    if not nested:
        return _json_schema_format(fields, where)
    return _json_schema_format(needed(fields, "json_schema", mapping, where), f"{where}.json_schema")


def _json_schema_format(fields: Mapping[str, Any], where: str) -> AnswerFormat:
    """An answer that fits a schema: the object with `name`, `schema`, `strict` and `description`."""
    return AnswerFormat(
        schema=sent(fields, "schema", _document_schema, where),
        name=needed(fields, "name", name_check, where),
        description=sent(fields, "description", text(), where) or "",
        strict=sent(fields, "strict", boolean, where) or False,
    )


def _document_schema(value: object, where: str) -> dict[str, Any]:
    """The schema of what is looked for in an answer: an object or a list."""
    schema = json_schema(value, where)
    kinds = schema.get("type", "object")
    if not {"object", "array"} & set(kinds if isinstance(kinds, list) else [kinds]):
        refuse(where, "the schema of an object or a list")
    return schema


def check_schemas(document: Mapping[str, Any], *names: str) -> None:
    """Before any of a request's schemas is looked at: raises BadRequest when they are too large together."""
    for name in names:
        try:
            check_extent_together(document.get(name))
        except BadSchema as error:
            raise BadRequest(f"`{name}`: {error}.", name) from error


def json_schema(value: object, where: str) -> dict[str, Any]:
    """A JSON schema that an answer can be held against."""
    schema = mapping(value, where)
    try:
        check_schema(schema)
    except BadSchema as error:
        raise BadRequest(
            f"`{where}` is not a JSON schema that this gateway takes: {error}.", where
        ) from error
    return schema
