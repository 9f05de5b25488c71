"""What the operator's settings make of a request that is good in itself. The same for every endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from grok2api.errors import BadRequest
from grok2api.messages import ChatRequest
from grok2api.settings import Snapshot
from grok2api.web.api.parameters import header_names

#: The names of `ChatRequest.max_tokens` on the wire.
CHAT_LIMITS = ("max_tokens", "max_completion_tokens")


def apply_policy(
    request: ChatRequest,
    document: Mapping[str, Any],
    settings: Snapshot,
    limits: tuple[str, ...] = CHAT_LIMITS,
) -> ChatRequest:
    """The request as it is to be served. Raises BadRequest for what `strict_params` refuses.

    document: what `request` was parsed from. limits: its names for `max_tokens`.
    """
    if request.max_tokens is not None and not settings.enforce_max_tokens:
        sent = [name for name in limits if document.get(name) is not None]
        request = replace(request, max_tokens=None, ignored=header_names([*request.ignored, *sent]))
    refuse_ignored(request.ignored, settings)
    return request


def refuse_ignored(names: tuple[str, ...], settings: Snapshot) -> None:
    """Raises BadRequest for what cannot be honoured, with `strict_params` set."""
    if names and settings.strict_params:
        shown = ", ".join(f"`{name}`" for name in names)
        raise BadRequest(
            f"Not supported by this gateway: {shown}. Its setting strict_params refuses what it cannot honour.",
            names[0],
            "unsupported_parameter",
        )
