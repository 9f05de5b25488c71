"""POST /api/login and /api/logout."""

from __future__ import annotations

import logging

from flask import Response, request
from flask_login import current_user, login_user, logout_user

from grok2api.services.admin_auth import LoginRefused, LoginTooFar
from grok2api.services.patience import PATIENCE_S, within
from grok2api.web.admin.fields import text_field
from grok2api.web.admin.guard import LOGIN_PATH, Operator, blueprint
from grok2api.web.body import read_json
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

log = logging.getLogger(__name__)


@blueprint.post(LOGIN_PATH)
def log_in() -> Response:
    body = read_json()
    name, password, addresses = text_field(body, "username"), text_field(body, "password"), _addresses()
    auth = get_services().auth
    try:
        login = within(PATIENCE_S, lambda: auth.log_in(name, password, addresses))
    except (LoginRefused, LoginTooFar) as error:
        log.warning("a login from %s was refused: %s", request.remote_addr, error)
        raise
    session = auth.session(login.token)
    assert session is not None
    login_user(Operator(login.token, session, bearer=False))
    log.info("the operator logged in from %s", request.remote_addr)
    answer = {"success": True, "message": "Logged in."}
    return json_response(answer | {"token": login.token, "csrf_token": login.csrf_token})


@blueprint.post("/logout")
def log_out() -> Response:
    get_services().auth.log_out(current_user.session)
    logout_user()
    return json_response({"success": True, "message": "Logged out."})


def _addresses() -> list[str]:
    """The connection's peer and every address that a forwarding header names, trusted or not."""
    original = request.environ.get("werkzeug.proxy_fix.orig", {})
    found = [request.remote_addr or "", original.get("REMOTE_ADDR") or request.remote_addr or ""]
    found += request.headers.get("X-Forwarded-For", "").split(",")
    found.append(request.headers.get("X-Real-IP", ""))
    for element in request.headers.get("Forwarded", "").replace(",", ";").split(";"):
        name, _, value = element.strip().partition("=")
        if name.lower() == "for":
            found.append(_without_port(value.strip('"')))
    return [address for address in map(str.strip, found) if address]


def _without_port(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
