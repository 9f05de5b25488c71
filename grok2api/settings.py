"""The settings that can be changed while the service runs: one declarative table, and how a value is cleaned.

Validation, the console's form, the admin API and the docs come from `SETTINGS`; `Snapshot` has the same
names as attributes, so that a misspelt read is a type error. No I/O in here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args
from urllib.parse import urlsplit

from grok2api.errors import SettingError
from grok2api.media import Kind

Value = str | int | float | bool


#: The parts of the console's form, in its order.
Group = Literal["access", "upstream", "answers", "media", "pool", "service"]
GROUPS: tuple[Group, ...] = get_args(Group)


class Text(NamedTuple):
    """A help text in the console's two languages."""

    en: str
    zh: str


#: Characters of a text, however they are written and encrypted, have room in a column of 64 KiB.
MOST_CHARS = 4000


@dataclass(frozen=True)
class Setting:
    """One row. `min`, `max`: inclusive bounds. `max_chars`: of a text. `secret`: never shown again once set.

    `clean`: brings a string into its one form; raises ValueError with what it should look like.
    """

    name: str
    scope: Literal["global", "grok"]
    group: Group
    type: type[str] | type[int] | type[float] | type[bool]
    default: Value
    help: Text
    min: float | None = None
    max: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()
    max_chars: int = MOST_CHARS
    secret: bool = False
    clean: Callable[[str], str] | None = None


@dataclass(frozen=True)
class Snapshot:
    """All settings at one moment. Take one per request; never read a setting twice."""

    admin_username: str
    admin_password: str
    log_level: str
    max_body_mb: int
    strict_params: bool
    enforce_max_tokens: bool
    cors_origins: str
    metrics_public: bool
    image_mode: str
    base_url: str
    image_cache_max_size_mb: int
    video_cache_max_size_mb: int
    signed_media: bool
    signed_media_hours: int
    media_index_days: int
    log_retention_days: int
    audit_retention_days: int
    api_key: str
    proxy_url: str
    stream_chunk_timeout: float
    stream_first_response_timeout: float
    stream_total_timeout: float
    cf_clearance: str
    x_statsig_id: str
    user_agent: str
    filtered_tags: str
    show_thinking: bool
    thinking_format: str
    temporary: bool
    account_concurrency: int
    prompt_inline_limit: int
    refresh_concurrency: int
    refresh_interval_minutes: int


def _header_value(text: str) -> str:
    text = text.strip()
    if not text.isascii() or any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ValueError("must be plain ASCII on one line, because it is sent as a header")
    return text


def _clearance(text: str) -> str:
    text = _header_value(text)
    match = re.search(r"(?:^|;)\s*cf_clearance=([^;]*)", text)
    value = match.group(1).strip() if match else text
    if re.search(r"[;,\s]", value):
        raise ValueError("must be `cf_clearance=VALUE` or the bare value")
    return value


def _proxy(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https", "socks5", "socks5h") and parts.port != 0
    except ValueError:  # a malformed host or port
        known = False
    if not known or not parts.hostname or not text.isprintable() or " " in text:
        raise ValueError("must look like http://host:port, https://…, socks5://… or socks5h://…")
    return text


def _base_url(text: str) -> str:
    """What is copied from a client's settings ends with /v1."""
    text = text.strip().rstrip("/").removesuffix("/v1").rstrip("/")
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        good = good and not (parts.query or parts.fragment or "@" in parts.netloc)
    except ValueError:
        good = False
    if not good or not _IN_A_LINK.fullmatch(text):
        raise ValueError("must look like https://host, https://host:port or https://host/path")
    return text


#: What may stand in the target of a Markdown link, and in an attribute.
_IN_A_LINK = re.compile(r"[\w.~:/\[\]%-]+", re.ASCII)


def _names(text: str) -> str:
    return ",".join(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


_ORIGIN = re.compile(
    r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(?:/[^?#]*)?", re.ASCII
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def _origins(text: str) -> str:
    """As browsers write them in their header; what is copied from an address bar has a path."""
    origins: list[str] = []
    for given in filter(None, (part.strip() for part in text.split(","))):
        match = _ORIGIN.fullmatch(given.lower())
        port = int(match[3]) if match and match[3] else None
        if given == "*":
            origins.append(given)
        elif match is None or port == 0 or (port or 0) > 65535:
            raise ValueError(
                f"must be * or have the form scheme://host[:port], separated by commas; not {given[:80]!r}"
            )
        else:
            shown = "" if port in (None, _DEFAULT_PORTS.get(match[1])) else f":{port}"
            origins.append(f"{match[1]}://{match[2]}{shown}")
    return "*" if "*" in origins else ",".join(dict.fromkeys(origins))


def _user_name(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "admin_username", "global", "access", str, "admin", Text("Name of the console's user", "控制台用户名"),
        clean=_user_name, max_chars=255,
    ),
    Setting(
        "admin_password", "global", "access", str, "admin",
        Text("Password of the console's user; empty means unchanged", "控制台密码；留空表示不修改"),
        secret=True, max_chars=1000,
    ),
    Setting(
        "log_level", "global", "service", str, "INFO", Text("What is logged", "日志级别"),
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
    ),
    Setting(
        "max_body_mb", "global", "access", int, 32, Text("Largest request body that is accepted", "请求体大小上限"),
        min=1, max=1024, unit="MiB",
    ),
    Setting(
        "strict_params", "global", "answers", bool, False,
        Text("Refuse requests with parameters that cannot be honoured, instead of ignoring these", "拒绝含有无法支持的参数的请求，而不是忽略这些参数"),
    ),
    Setting(
        "enforce_max_tokens", "global", "answers", bool, True,
        Text("End an answer at the client's max_tokens, by estimate", "回答达到客户端的 max_tokens（估算）时结束"),
    ),
    Setting(
        "cors_origins", "global", "access", str, "",
        Text("Origins of web pages that may call the API, separated by commas, or * for all; empty means none", "允许调用 API 的网页来源，用逗号分隔；* 表示全部；留空表示不允许"),
        clean=_origins,
    ),
    Setting(
        "metrics_public", "global", "access", bool, False,
        Text("Show /metrics to everybody, without a key", "任何人无需密钥即可查看 /metrics"),
    ),
    Setting(
        "image_mode", "global", "media", str, "url",
        Text("How pictures stand in chat answers: as links to this gateway, or whole, in base64", "聊天回答中图片的形式：指向本网关的链接，或整图 base64"),
        choices=("url", "base64"),
    ),
    Setting(
        "base_url", "global", "media", str, "",
        Text("Public address of this gateway, for links to media; empty means that of each request", "本网关的公开地址，用于媒体链接；留空表示取自每个请求"),
        clean=_base_url,
    ),
    Setting(
        "image_cache_max_size_mb", "global", "media", int, 512,
        Text("Space for cached pictures on each node", "每个节点图片缓存的空间"), min=0, max=10_000_000, unit="MiB",
    ),
    Setting(
        "video_cache_max_size_mb", "global", "media", int, 1024,
        Text("Space for cached videos on each node", "每个节点视频缓存的空间"), min=0, max=10_000_000, unit="MiB",
    ),
    Setting(
        "signed_media", "global", "media", bool, False,
        Text("Links to media carry a signature and expire", "媒体链接带签名并会过期"),
    ),
    Setting(
        "signed_media_hours", "global", "media", int, 24,
        Text("How long a signed link holds", "签名链接的有效时间"), min=1, max=87600, unit="h",
    ),
    Setting(
        "media_index_days", "global", "media", int, 90,
        Text("How long links to media keep working; 0 means for ever", "媒体链接的有效天数；0 表示永久"), min=0, max=36500, unit="days",
    ),
    Setting(
        "log_retention_days", "global", "service", int, 7,
        Text("How long the last 1 000 requests are remembered", "最近 1 000 条请求记录的保留天数"), min=1, max=3650, unit="days",
    ),
    Setting(
        "audit_retention_days", "global", "service", int, 90,
        Text("How long the operators' actions are remembered", "操作记录的保留天数"), min=1, max=3650, unit="days",
    ),
    Setting(
        "api_key", "grok", "access", str, "", Text("Key that clients must send; empty means none", "客户端须提供的密钥；留空表示不需要"),
        clean=_header_value,
    ),
    Setting(
        "proxy_url", "grok", "upstream", str, "",
        Text("Proxy for everything sent upstream", "访问上游所用的代理"), clean=_proxy,
    ),
    Setting(
        "stream_chunk_timeout", "grok", "upstream", float, 120,
        Text("Longest silence between two upstream frames", "上游两帧之间的最长静默"), min=1, max=3600, unit="s",
    ),
    Setting(
        "stream_first_response_timeout", "grok", "upstream", float, 30,
        Text("Longest wait for the first upstream frame", "等待上游首帧的最长时间"), min=1, max=3600, unit="s",
    ),
    Setting(
        "stream_total_timeout", "grok", "upstream", float, 600,
        Text("Longest time for a whole upstream answer", "上游整个回答的最长时间"), min=1, max=86400, unit="s",
    ),
    Setting(
        "cf_clearance", "grok", "upstream", str, "",
        Text("Cloudflare cookie of your browser: cf_clearance=VALUE or the bare value", "浏览器的 Cloudflare Cookie：cf_clearance=值，或只填值"),
        secret=True, clean=_clearance,
    ),
    Setting(
        "x_statsig_id", "grok", "upstream", str,
        "ZTpUeXBlRXJyb3I6IENhbm5vdCByZWFkIHByb3BlcnRpZXMgb2YgdW5kZWZpbmVkIChyZWFkaW5nICdjaGlsZE5vZGVzJyk=",
        Text("Header x-statsig-id, required by upstream", "上游要求的请求头 x-statsig-id"), clean=_header_value,
    ),
    Setting(
        "user_agent", "grok", "upstream", str,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36",
        Text("User-Agent sent upstream; must be the one that obtained cf_clearance", "发往上游的 User-Agent；须与获取 cf_clearance 时一致"),
        clean=_header_value,
    ),
    Setting(
        "filtered_tags", "grok", "answers", str, "xaiartifact,xai:tool_usage_card,grok:render",
        Text("Upstream markup removed from answers, separated by commas", "从回答中去除的上游标记，用逗号分隔"), clean=_names,
    ),
    Setting(
        "show_thinking", "grok", "answers", bool, True, Text("Show the model's thinking", "显示模型的思考过程"),
    ),
    Setting(
        "thinking_format", "grok", "answers", str, "think_tag",
        Text("How thinking is sent: <think> in the answer, or beside it", "思考内容的发送方式：放入回答的 <think> 中，或单独字段"),
        choices=("think_tag", "reasoning_content"),
    ),
    Setting(
        "temporary", "grok", "upstream", bool, True,
        Text("Upstream chats are temporary and not kept in the account", "上游对话为临时对话，不保留在账号中"),
    ),
    Setting(
        "account_concurrency", "grok", "pool", int, 8,
        Text("Most requests in flight per account; 0 means no limit", "每个账号同时进行的请求上限；0 表示不限"), min=0, max=1000,
    ),
    Setting(
        "prompt_inline_limit", "grok", "upstream", int, 0,
        Text("Longer conversations are uploaded as a file; 0 means never", "更长的对话作为文件上传；0 表示从不"),
        min=0, max=100_000_000, unit="characters",
    ),
    Setting(
        "refresh_concurrency", "grok", "pool", int, 10,
        Text("Accounts asked about at once when all are refreshed", "刷新全部账号时同时查询的账号数"), min=1, max=100,
    ),
    Setting(
        "refresh_interval_minutes", "grok", "pool", int, 60,
        Text("How old an account's quota may get before it is refreshed; 0 means never", "账号额度多久后自动刷新；0 表示从不"),
        min=0, max=10080, unit="min",
    ),
)  # fmt: skip

_BY_NAME = {setting.name: setting for setting in SETTINGS}


def clean(name: str, value: object, *, stored: bool = False) -> Value:
    """The one form of a setting's value. stored: it was taken before, maybe when texts had no bounds; dropping it could
    open what it closes. Raises SettingError: an unknown name, a wrong type, out of bounds."""
    setting = _BY_NAME.get(name)
    if setting is None:
        raise SettingError(name, f"{name} is not a setting.")
    if setting.type is bool:
        if not isinstance(value, bool):
            raise SettingError(name, f"{name} must be true or false.")
        return value
    if setting.type is str:
        return _clean_text(setting, value, stored)
    return _clean_number(setting, value)


def _clean_text(setting: Setting, value: object, stored: bool) -> str:
    if not isinstance(value, str):
        raise SettingError(setting.name, f"{setting.name} must be a text.")
    if setting.choices and value not in setting.choices:
        raise SettingError(setting.name, f"{setting.name} must be one of {', '.join(setting.choices)}.")
    if len(value) > setting.max_chars and not stored:
        raise SettingError(setting.name, f"{setting.name} must have {setting.max_chars} characters at most.")
    try:
        text = setting.clean(value) if setting.clean else value
    except ValueError as error:
        raise SettingError(setting.name, f"{setting.name} {error}.") from error
    if setting.clean and not stored and not text.replace(" ", "").isprintable():
        raise SettingError(setting.name, f"{setting.name} must be one line without control characters.")
    return text


def _clean_number(setting: Setting, value: object) -> int | float:
    whole = setting.type is int
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise SettingError(setting.name, f"{setting.name} must be a {'whole ' if whole else ''}number.")
    low, high = setting.min, setting.max
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        raise SettingError(
            setting.name,
            f"{setting.name} must be from {low:g} to {high:g}{' ' if setting.unit else ''}{setting.unit}.",
        )
    return value


def snapshot(stored: Mapping[str, object]) -> Snapshot:
    """The settings of stored values laid over the defaults; stored names this release does not know are left out."""
    values: dict[str, Value] = {s.name: s.default for s in SETTINGS}
    values.update(
        {name: clean(name, value, stored=True) for name, value in stored.items() if name in _BY_NAME}
    )
    return Snapshot(**values)  # type: ignore[arg-type]  # the table's types are the fields' (a test compares them)


def cache_bytes(settings: Snapshot, kind: Kind) -> int:
    """What the cached files of a kind may come to."""
    images, videos = settings.image_cache_max_size_mb, settings.video_cache_max_size_mb
    return (images if kind is Kind.IMAGE else videos) * 1024 * 1024
