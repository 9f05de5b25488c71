"""What the tokens endpoints take from a request, and an account in the admin API's words."""

from __future__ import annotations

from typing import Any

from flask import request

from grok2api.accounts import DEFAULT_POOL, Account, AccountQuery, Quota, Sort, Status, Tier, status_of
from grok2api.errors import BadRequest
from grok2api.services.account_book import Found
from grok2api.web.admin.errors import NotFound
from grok2api.web.services import get_services

#: The admin API's words for the tiers.
TOKEN_TYPES = {"sso": Tier.BASIC, "ssoSuper": Tier.SUPER}
_TYPE_OF = {tier: word for word, tier in TOKEN_TYPES.items()}

_PAGE_SIZE_MAX = 1000
_TAG_MAX, _TAGS_MAX, _NOTE_MAX = 64, 32, 2000


def token_type(value: object) -> Tier:
    tier = TOKEN_TYPES.get(value) if isinstance(value, str) else None
    if tier is None:
        raise BadRequest(f"token_type must be one of {', '.join(TOKEN_TYPES)}.", "token_type")
    return tier


def named_accounts(body: dict[str, Any]) -> Found:
    """The accounts that `tokens` (or `token`) names by secret or id; with `token_type`, those of that type."""
    names = [body["token"]] if "token" in body else body.get("tokens")
    if not isinstance(names, list) or not all(
        isinstance(name, str | int) and not isinstance(name, bool) for name in names
    ):
        raise BadRequest("tokens must be a list of secrets or ids.", "tokens")
    tier = token_type(body["token_type"]) if body.get("token_type") is not None else None
    return get_services().book.find(names, tier)


def named_account(body: dict[str, Any]) -> Account:
    """The one account that `token` names. Raises NotFound."""
    if "token" not in body:
        raise BadRequest("token must be a secret or an id.", "token")
    found = named_accounts(body).accounts
    if not found:
        raise NotFound("There is no such account.")
    return found[0]


def tags_of(body: dict[str, Any]) -> tuple[str, ...]:
    values = body.get("tags")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadRequest("tags must be a list of texts.", "tags")
    tags = tuple(dict.fromkeys(value.strip() for value in values if value.strip()))
    if len(tags) > _TAGS_MAX or any(len(tag) > _TAG_MAX or not tag.isprintable() for tag in tags):
        raise BadRequest(f"At most {_TAGS_MAX} tags of {_TAG_MAX} printable characters each.", "tags")
    return tags


def note_of(body: dict[str, Any]) -> str:
    note = body.get("note")
    if not isinstance(note, str) or len(note) > _NOTE_MAX or "\0" in note:
        raise BadRequest(f"note must be a text of at most {_NOTE_MAX} characters.", "note")
    return note


def account_query() -> AccountQuery:
    """The filters, order and page of the request's query string. Raises BadRequest naming the parameter."""
    given = request.args
    status = given.get("status")
    disabled = True if status == "disabled" else None
    if status is not None and status != "disabled" and status not in list(Status):
        raise BadRequest(f"status must be one of {', '.join(Status)}, disabled.", "status")
    sort = given.get("sort", Sort.ADDED)
    if sort.removeprefix("-") not in list(Sort):
        raise BadRequest(f"sort must be one of {', '.join(Sort)}, with - before it for the reverse.", "sort")
    page, size = _number("page", 1, 10**7), _number("page_size", 50, _PAGE_SIZE_MAX)
    return AccountQuery(
        text=given.get("q", "").strip(),
        status=Status(status) if status is not None and disabled is None else None,
        disabled=disabled,
        tier=token_type(given["token_type"]) if "token_type" in given else None,
        tag=given.get("tag"),
        sort=Sort(sort.removeprefix("-")),
        descending=sort.startswith("-"),
        offset=(page - 1) * size,
        limit=size,
    )


def _number(name: str, default: int, most: int) -> int:
    text = request.args.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= most:
        raise BadRequest(f"{name} must be a whole number from 1 to {most}.", name)
    return int(text)


def shown(account: Account, now: float) -> dict[str, Any]:
    """An account as the admin API has it: times in epoch milliseconds, null when unknown; -1 for unknown quota."""
    quota = account.quotas.get(DEFAULT_POOL, Quota())
    heavy = account.quotas.get("heavy", Quota())
    cooling = quota.cooldown_until is not None and quota.cooldown_until > now
    resting = quota.rest_until is not None and quota.rest_until > now
    return {
        "id": account.id,
        "token": account.secret,
        "token_type": _TYPE_OF[account.tier],
        "created_time": _ms(account.created_at),
        "remaining_queries": _left(quota, now),
        "heavy_remaining_queries": _left(heavy, now),
        "status": status_of(account, now),
        "disabled": account.disabled,
        "cooldown_until": _ms(quota.cooldown_until) if cooling else None,
        "cooldown_remaining": max(0, round(((quota.cooldown_until or now) - now) * 1000)),
        "cooldown_requests": (quota.rest_requests or 0) if resting else 0,
        "failed_count": account.failed_count,
        "last_failure_time": _ms(account.last_failure_at),
        "last_failure_reason": account.last_failure_reason,
        "tags": list(account.tags),
        "note": account.note,
        "last_used": _ms(account.last_used_at),
        "request_count": account.request_count,
        "in_flight": account.in_flight,
    }


def _left(quota: Quota, now: float) -> int:
    over = quota.window_ends_at is not None and quota.window_ends_at <= now
    return -1 if quota.remaining is None or over else quota.remaining


def _ms(at: float | None) -> int | None:
    return None if at is None else round(at * 1000)
