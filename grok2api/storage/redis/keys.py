"""Every key that is used, once; the scripts get the same names as a table `key`, and the rules' numbers as `rule`.

An id is an account's or a client key's, in decimal. Where a key is a stem, what follows it is said in angle brackets. A
*place* is where an account stands in a quota pool: ready, resting (serves only when no other is fit),
waiting (cooling or exhausted) or out (disabled or expired). Times are epoch seconds.
"""

from __future__ import annotations

from enum import StrEnum

from grok2api.accounts import BLOCKED, DEFAULT_POOL, DEFAULT_WINDOW_S, FULL_QUOTA, LEASE_S, VOID_KEPT_S
from grok2api.client_keys import CLOCKS_DIFFER_S, DAY_S, MINUTE_S
from grok2api.media import Kind
from grok2api.storage.base import JOB_DEAD_S, RESPONSE_KEPT_S
from grok2api.storage.oversight import GOOD_ADDRESS_S, LOGIN_FREE, LOGIN_WAIT_MAX_S, LOGIN_WINDOW_S

#: Version of all this, see `upgrades.py`. An older release refuses a newer version.
SCHEMA = 2

#: The field of `Key.KEPT` that tells with which SECRET_KEY the secrets are sealed.
KEY_CHECK = "key_check"

#: A session that nobody has used for so long has ended.
SESSION_MAX_S = 7 * 24 * 3600


class Key(StrEnum):
    SCHEMA = "grok2api:schema"  # text: the version
    LAST_ID = "grok2api:last_id"  # text: the id that was given last
    POOLS = "grok2api:pools"  # hash: quota pool -> "1" when every account has a standing in it, else "0"

    ACCOUNTS = "grok2api:accounts"  # sorted set: id by id
    ACCOUNT = "grok2api:account:"  # <id>, hash: what is known of it
    STANDING = "grok2api:standing:"  # <id>:<pool>, hash: what is known of it in a pool, and its place
    HOLDS = "grok2api:holds:"  # <id>, set: its leases
    DIGESTS = "grok2api:digests"  # hash: digest of the secret -> id
    TAGS = "grok2api:tags"  # hash: tag -> how many accounts have it
    CHECKED = "grok2api:checked"  # sorted set: id of each account that is not disabled, by its last check
    EXPIRED = "grok2api:expired"  # set: ids, but for the disabled ones
    DISABLED = "grok2api:disabled"  # set: ids

    READY = "grok2api:ready:"  # <pool>:<tier>, sorted set: in lexical order, the best first
    RESTING = "grok2api:resting:"  # the same
    WAITING = "grok2api:waiting:"  # <pool>:<tier>, sorted set: id by the end of all its waits
    COOLING = "grok2api:cooling:"  # <pool>:<tier>, sorted set: those of the waiting that cool, by its end
    DUE = "grok2api:due:"  # <pool>:<tier>, sorted set: id by when to look at it again (a wait or window ends)
    REST_REQUESTS = "grok2api:rest_requests:"  # <pool>, sorted set: id by the last request that it sits out
    REST_ENDS = "grok2api:rest_ends:"  # <pool>, sorted set: id by when its rest ends at the latest
    REQUESTS = "grok2api:requests:"  # <pool>, text: client requests counted, while somebody rests

    LEASES = "grok2api:leases"  # sorted set: lease (a random name, id, cost, pool) by when it is void

    VOID = "grok2api:void"  # sorted set: void lease by when that was found out; its outcome may still come
    LEASED = "grok2api:leased"  # of schema 1, hash: lease (a random name alone) -> id:cost:pool

    SETTINGS = "grok2api:settings"  # hash: name -> JSON, sealed
    SETTINGS_VERSION = "grok2api:settings_version"  # text
    KEPT = "grok2api:kept"  # hash: values made once
    SESSIONS = "grok2api:sessions"  # sorted set: digest by last use
    SESSION = "grok2api:session:"  # <digest>, hash
    JOB = "grok2api:job:"  # <name>, hash: its last run
    RESPONSES = "grok2api:responses"  # sorted set: id by when it expires
    RESPONSE = "grok2api:response:"  # <id>, hash: owner, body (sealed), expires_at

    MEDIA = "grok2api:media"  # hash: path -> kind, account id, created_at; blanks between them
    MEDIA_PATHS = "grok2api:media_paths"  # sorted set: path, all of one score: in lexical order
    MEDIA_TIMES = "grok2api:media_times"  # sorted set: path by created_at
    MEDIA_KIND = "grok2api:media_kind:"  # <kind>, sorted set: path by created_at

    LOGIN_ADDRESS = "grok2api:login_address:"  # <address>, hash: its failed logins, see login_rule.py
    LOGIN_USERNAME = "grok2api:login_username:"  # <username>, the same
    GOOD_ADDRESS = "grok2api:good_address:"  # <address>, text: when it logged in well

    AUDIT = "grok2api:audit"  # sorted set: entry (its number in 16 digits, a blank, JSON) by its time
    AUDIT_LAST = "grok2api:audit_last"  # text: the number that was given last

    USAGE = "grok2api:usage:"  # <span>:<start>, hash: name -> count
    USAGE_STARTS = "grok2api:usage_starts:"  # <span>, sorted set: start by start
    USAGE_SPANS = "grok2api:usage_spans"  # set: spans

    CLIENT_KEYS = "grok2api:client_keys"  # sorted set: id by id
    CLIENT_KEY = (
        "grok2api:client_key:"  # <id>, hash: the fields of ClientKey and of Windows, see client_keys.py
    )
    CLIENT_KEY_LAST = "grok2api:client_key_last"  # text: the id that was given last

    REQUEST_LOG = (
        "grok2api:request_log"  # sorted set: entry (number in 16 digits, request id, JSON) by its time
    )
    REQUEST_LOG_LAST = "grok2api:request_log_last"  # text: the number that was given last


def prelude() -> str:
    """The tables `key` and `rule` in Lua."""
    keys = ", ".join(f"{key.name.lower()} = '{key}'" for key in Key)
    rules = {
        "full_quota": FULL_QUOTA,
        "lease_s": LEASE_S,
        "default_window_s": DEFAULT_WINDOW_S,
        "default_pool": f"'{DEFAULT_POOL}'",
        "blocked": f"'{BLOCKED}'",
        "job_dead_s": JOB_DEAD_S,
        "session_max_s": SESSION_MAX_S,
        "response_kept_s": int(RESPONSE_KEPT_S),
        "void_kept_s": VOID_KEPT_S,
        "key_check": f"'{KEY_CHECK}'",
        "login_free": LOGIN_FREE,
        "login_window_s": LOGIN_WINDOW_S,
        "login_wait_max_s": LOGIN_WAIT_MAX_S,
        "good_address_s": int(GOOD_ADDRESS_S),
        "minute_s": MINUTE_S,
        "day_s": DAY_S,
        "clocks_differ_s": CLOCKS_DIFFER_S,
        "media_kinds": "{" + ", ".join(f"'{kind}'" for kind in Kind) + "}",
    }
    numbers = ", ".join(f"{name} = {value}" for name, value in rules.items())
    return f"local key = {{{keys}}}\nlocal rule = {{{numbers}}}\n"
