"""Remembering what operators do: in the storage, for the console, and in the log. Never a secret."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from itertools import accumulate

from flask import request
from flask_login import current_user

from grok2api.errors import StorageUnavailable
from grok2api.storage.base import AuditEntry
from grok2api.web.services import get_services

#: Of a list, such as the ids of the accounts that something was done to, at most so many are remembered, and of
#: these no more than come to so many characters.
_LISTED, _LIST_MAX = 20, 600
_TEXT_MAX = 200
_USERNAME_MAX = 255

log = logging.getLogger(__name__)

Detail = str | int | bool | Sequence[int] | Sequence[str]


def note(action: str, /, **detail: Detail) -> None:
    """Remember an action of who is logged in. What was done is done: a storage that is away by now is
    merely warned of."""
    note_of(current_user.session.username, action, **detail)


def note_of(username: str, action: str, /, **detail: Detail) -> None:
    """The same of this user, "" for an unknown one."""
    address = (request.remote_addr or "")[:64]
    short = {name: _short(value) for name, value in detail.items()}
    log.info(
        "%s from %s: %s%s",
        username or "somebody",
        address,
        action,
        "".join(f" {name}={short[name]}" for name in short),
    )
    entry = AuditEntry(time.time(), username[:_USERNAME_MAX], address, action, short)
    try:
        get_services().store.audit.add(entry)
    except StorageUnavailable as error:
        log.warning("the action %s is missing from the console's list: %s", action, error)


def _short(value: Detail) -> object:
    if isinstance(value, str):
        return value[:_TEXT_MAX]
    if isinstance(value, Sequence):
        lengths = accumulate(len(str(one)) for one in value[:_LISTED])
        return [str(one) for one, length in zip(value, lengths, strict=False) if length <= _LIST_MAX]
    return value
