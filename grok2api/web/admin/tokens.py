"""The accounts, which operators call tokens: /api/tokens/…"""

from __future__ import annotations

from dataclasses import asdict

from flask import Response

from grok2api.accounts import Tier
from grok2api.errors import BadRequest
from grok2api.web.admin.guard import blueprint
from grok2api.web.body import read_json
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

#: The admin API's words for the tiers.
TOKEN_TYPES = {"sso": Tier.BASIC, "ssoSuper": Tier.SUPER}


@blueprint.post("/tokens/add")
def add_tokens() -> Response:
    body = read_json()
    values = body.get("tokens")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadRequest("tokens must be a list of texts.", "tokens")
    tier = TOKEN_TYPES.get(str(body.get("token_type")))
    if tier is None:
        raise BadRequest(f"token_type must be one of {', '.join(TOKEN_TYPES)}.", "token_type")
    report = get_services().book.add(values, tier)
    return json_response({"success": True, "message": f"{report}.", "data": asdict(report)})
