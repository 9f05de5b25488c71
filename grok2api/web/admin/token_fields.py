"""What the tokens endpoints take from a request, and an account in the admin API's words."""

from __future__ import annotations

import unicodedata
from typing import Any

from flask import request

from grok2api.accounts import DEFAULT_POOL, Account, AccountQuery, Quota, Sort, Status, Tier, status_of
from grok2api.errors import BadRequest
from grok2api.services.account_book import Found
from grok2api.web.admin.errors import NotFound
from grok2api.web.admin.fields import page_of
from grok2api.web.services import get_services

#: The admin API's words for the tiers.
TOKEN_TYPES = {"sso": Tier.BASIC, "ssoSuper": Tier.SUPER}
_TYPE_OF = {tier: word for word, tier in TOKEN_TYPES.items()}

#: Of tags in a body: in place of those there are (the default), beside them, out of them.
TAG_MODES = ("set", "add", "remove")
_TAG_MAX, _TAGS_MAX, _NOTE_MAX = 64, 32, 2000

#: Any of these in the query string asks for a page.
_PAGE_PARAMETERS = frozenset({"page", "page_size", "q", "status", "token_type", "tag", "sort"})

#: Control characters and line ends of Unicode. Joiners are none: emoji and several scripts need them.
_CONTROLS = frozenset({"Cc", "Zl", "Zp"})
_LINE_ENDS = frozenset("\n\r\t")


def token_type(value: object) -> Tier:
    tier = TOKEN_TYPES.get(value) if isinstance(value, str) else None
    if tier is None:
        raise BadRequest(f"token_type must be one of {', '.join(TOKEN_TYPES)}.", "token_type")
    return tier


def named_accounts(body: dict[str, Any]) -> Found:
    """The accounts that `tokens` or `token` names by secret or id; with `token_type`, those of that type.

    Raises BadRequest; NotFound when the one that `token` names is none.
    """
    one, several = body.get("token"), body.get("tokens")
    if one is not None and several is not None:
        raise BadRequest("Give token or tokens, not both.", "token")
    field, names = ("tokens", several) if one is None else ("token", [one])
    if not isinstance(names, list) or not all(_is_name(name) for name in names):
        raise BadRequest("tokens must be a list of secrets or ids, token a single one.", field)
    tier = token_type(body["token_type"]) if body.get("token_type") is not None else None
    found = get_services().book.find(names, tier)
    if one is not None and not found.accounts:
        raise NotFound("There is no such account.")
    return found


def _is_name(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def named_account(body: dict[str, Any]) -> Account:
    """The one account that `token` names. Raises BadRequest, NotFound."""
    if body.get("token") is None:
        raise BadRequest("token must be a secret or an id.", "token")
    return named_accounts(body).accounts[0]


def tags_of(body: dict[str, Any]) -> tuple[str, ...]:
    values = body.get("tags")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadRequest("tags must be a list of texts.", "tags")
    tags = tuple(dict.fromkeys(value.strip() for value in values if value.strip()))
    if len(tags) > _TAGS_MAX or any(len(tag) > _TAG_MAX for tag in tags):
        raise BadRequest(f"tags: at most {_TAGS_MAX}, of {_TAG_MAX} characters each.", "tags", "tags_unfit")
    if any(map(_has_controls, tags)):
        raise BadRequest("tags must not contain control characters.", "tags", "tags_unfit")
    return tags


def tag_mode_of(body: dict[str, Any]) -> str:
    """What to do with the tags: one of TAG_MODES. Raises BadRequest, also for adding or removing none."""
    mode = body.get("mode")
    if mode is None:
        return TAG_MODES[0]
    if mode not in TAG_MODES:
        raise BadRequest(f"mode must be one of {', '.join(TAG_MODES)}.", "mode")
    if mode != TAG_MODES[0] and not tags_of(body):
        raise BadRequest("tags must name at least one to add or remove.", "tags")
    return str(mode)


def refuse_too_many_tags(body: dict[str, Any], new: tuple[str, ...]) -> None:
    """Raises BadRequest when an account of those named would come to more tags than it may have."""
    too_many = sum(len({*one.tags, *new}) > _TAGS_MAX for one in named_accounts(body).accounts)
    if too_many:
        raise BadRequest(f"tags: {too_many} accounts would come to more than {_TAGS_MAX}.", "tags")


def note_of(body: dict[str, Any]) -> str:
    note = body.get("note")
    if not isinstance(note, str) or len(note) > _NOTE_MAX:
        raise BadRequest(f"note must be a text of at most {_NOTE_MAX} characters.", "note", "note_unfit")
    if _has_controls(note, but=_LINE_ENDS):
        problem = "note must not contain control characters other than line ends and tabs."
        raise BadRequest(problem, "note", "note_unfit")
    return note


def _has_controls(text: str, but: frozenset[str] = frozenset()) -> bool:
    return any(unicodedata.category(sign) in _CONTROLS and sign not in but for sign in text)


def wants_page() -> bool:
    """Whether the query string asks for a page; without any of its parameters the list is whole."""
    return not _PAGE_PARAMETERS.isdisjoint(request.args)


def account_query() -> AccountQuery:
    """The filters, order and page of the request's query string; a parameter left empty, as forms send it, is as
    good as none. Raises BadRequest naming the parameter."""
    given = {name: value for name, value in request.args.items() if value}
    for name in ("q", "tag"):
        if _has_controls(given.get(name, "")):
            raise BadRequest(f"{name} must not contain control characters.", name)
    status = given.get("status")
    disabled = True if status == "disabled" else None
    if status is not None and status != "disabled" and status not in list(Status):
        raise BadRequest(f"status must be one of {', '.join(Status)}, disabled.", "status")
    sort = given.get("sort", Sort.ADDED)
    if sort.removeprefix("-") not in list(Sort):
        raise BadRequest(f"sort must be one of {', '.join(Sort)}, with - before it for the reverse.", "sort")
    offset, size = page_of(given)
    return AccountQuery(
        text=given.get("q", "").strip(),
        status=Status(status) if status is not None and disabled is None else None,
        disabled=disabled,
        tier=token_type(given["token_type"]) if "token_type" in given else None,
        tag=given.get("tag"),
        sort=Sort(sort.removeprefix("-")),
        descending=sort.startswith("-"),
        offset=offset,
        limit=size,
    )


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
