"""GET /v1/models and /v1/models/{id}."""

from __future__ import annotations

from typing import Any

from flask import Response

from grok2api.catalogue import Model
from grok2api.web.api.guard import blueprint, check_model, may_use
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

#: OpenAI's `created` of a model; when upstream released them is not known.
_CREATED = 1_767_225_600


@blueprint.get("/models")
def list_models() -> Response:
    allowed = [model for model in get_services().catalogue.all() if may_use(model.name)]
    models = [_model(model, name) for model in allowed for name in model.names]
    return json_response({"object": "list", "data": models})


@blueprint.get("/models/<path:name>")
def retrieve_model(name: str) -> Response:
    check_model(name)
    return json_response(_model(get_services().catalogue.get(name), name))


def _model(model: Model, name: str) -> dict[str, Any]:
    """OpenAI's form; the further fields are ours and ignored by clients. name: it or an alias of it."""
    return {
        "id": name,
        "object": "model",
        "created": _CREATED,
        "owned_by": "xai",
        "display_name": model.display_name or model.name,
        "capabilities": {
            "image": model.image,
            "thinking": model.thinking,
            "search": model.search,
            "video": model.video,
        },
        "quota_cost": model.cost,
        "tier": model.tier,
        "max_output_tokens": model.max_output_tokens,
    }
