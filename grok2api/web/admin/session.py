"""POST /api/login, /api/logout and /api/password."""

from __future__ import annotations

import logging
import time

from flask import Response, request
from flask_login import current_user, login_user, logout_user

from grok2api.services.admin_auth import LoginRefused, LoginThrottled, LoginTooFar, check_new_password
from grok2api.services.patience import PATIENCE_S, within
from grok2api.web.admin import auditing
from grok2api.web.admin.errors import WrongPassword
from grok2api.web.admin.fields import text_field
from grok2api.web.admin.guard import LOGIN_PATH, Operator, blueprint
from grok2api.web.body import read_json
from grok2api.web.forwarding import named_addresses
from grok2api.web.hosts import no_stranger_owns
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

log = logging.getLogger(__name__)


@blueprint.post(LOGIN_PATH)
def log_in() -> Response:
    body = read_json()
    name, password = text_field(body, "username"), text_field(body, "password")
    auth, address, named = get_services().auth, request.remote_addr or "", named_addresses()
    try:
        _check_host()
        login = within(
            PATIENCE_S,
            lambda: auth.log_in(name, password, address, named),
            too_late=lambda login: auth.log_out(login.session),
        )
    except (LoginTooFar, LoginThrottled) as error:
        log.warning("a login from %s was refused: %s", address, error)
        raise
    except LoginRefused:
        _note_failed(address)
        raise
    login_user(Operator(login.token, login.session, bearer=False))
    auditing.note_of(name, "login")
    answer = {"success": True, "message": "Logged in."}
    return json_response(answer | {"token": login.token, "csrf_token": login.session.csrf_token})


def _note_failed(address: str) -> None:
    """Without what was given, which may be a password in the wrong field."""
    left_out = get_services().auth.failed.to_list(time.time())
    if left_out is None:
        log.warning("a login from %s failed", address)
    elif left_out:
        auditing.note_of("", "login_failed", left_out=left_out)
    else:
        auditing.note_of("", "login_failed")


def _check_host() -> None:
    """A page of a stranger's, whose name means this machine, knows the default password, too. Raises LoginTooFar."""
    original = request.environ.get("werkzeug.proxy_fix.orig", {}).get("HTTP_HOST")
    # A page may have named the former in a header of its own.
    hosts = (request.host, original or request.host)
    if get_services().auth.default_password_stands() and not all(map(no_stranger_owns, hosts)):
        raise LoginTooFar(
            "The default password still stands, so login is only possible at this gateway's address, such as "
            "http://127.0.0.1:8000, and not by a name. Change it with `flask admin set-password`."
        )


@blueprint.post("/logout")
def log_out() -> Response:
    auditing.note("logout")
    get_services().auth.log_out(current_user.session)
    logout_user()
    return json_response({"success": True, "message": "Logged out."})


@blueprint.post("/password")
def change_password() -> Response:
    """Every session ends, this one too."""
    body = read_json()
    old, new = text_field(body, "old"), text_field(body, "new")
    auth, address = get_services().auth, request.remote_addr or ""
    check_new_password(new)
    try:
        within(PATIENCE_S, lambda: auth.confirm_password(old, address))
    except LoginRefused as error:
        raise WrongPassword("The old password is wrong.") from error
    auth.set_password(new)
    auditing.note("password")
    logout_user()
    return json_response({"success": True, "message": "The password is changed. Log in with the new one."})
