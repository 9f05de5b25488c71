"""The endpoints that answer at once: upload-file, media/post/create, rate-limits and the asset host."""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import uuid
from collections.abc import Callable
from typing import Any

import orjson

from . import faults
from .accounts import Account, Accounts, File
from .chat import before
from .directives import Directive
from .frames import now_iso
from .http import Request
from .replies import Reply, Stream, Whole, envelope, json_reply
from .steps import Send

_RATE_MODEL = re.compile(r"(grok-|imagine-)[A-Za-z0-9._-]*|auto|fast|expert|heavy")
_POST_TYPES = frozenset(f"MEDIA_POST_TYPE_{kind}" for kind in ("IMAGE", "VIDEO", "TEMPLATE"))
_USER = re.compile(r"/?users/([^/]+)/")


def _bad(message: str, status: int = 400) -> Whole:
    return envelope(status, 3, message, wrapped=False)


def _body(raw: bytes) -> dict[str, Any] | None:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def spoiled(account: Account, endpoint: str, good: Callable[[], Reply]) -> Reply:
    """The account's fault when it is aimed at this endpoint, else the good answer, which wait_then_ok delays."""
    directive = account.fault(endpoint)
    if directive is None:
        return good()
    reply = good() if directive.name == "wait_then_ok" else faults.unary(directive)
    reply.before = before(directive) + reply.before
    return reply


class Unary:
    """`upload_limit` is the largest decoded file in bytes; `shape` the form of rate-limits: tokens or
    queries.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self.upload_limit = 20 * 1024 * 1024
        self.shape = "tokens"

    def upload(self, account: Account, raw: bytes) -> Whole:
        """{"fileName", "fileMimeType", "content": base64} -> the metadata of the stored file."""
        body = _body(raw)
        if body is None or not isinstance(body.get("content"), str) or not body["content"]:
            return _bad("content: value is required")
        try:
            content = base64.b64decode(body["content"], validate=True)
        except (binascii.Error, ValueError):
            return _bad("content: invalid base64")
        if len(content) > self.upload_limit:
            return _bad("File too large", 413)
        mime, name = str(body.get("fileMimeType") or ""), str(body.get("fileName") or "")
        if "/" not in mime or not name:
            return _bad("fileMimeType and fileName are required")
        file_id = str(uuid.uuid4())
        account.files[file_id] = file = File(content, mime, name, account.asset)
        uri = account.add_asset(f"{file_id}/content", file)
        return json_reply(
            {
                "fileMetadataId": file_id, "fileMimeType": mime, "fileName": name, "fileUri": uri,
                "parsedFileUri": "", "createTime": now_iso(), "fileSource": "SELF_UPLOAD_FILE_SOURCE",
            }
        )  # fmt: skip

    def create(self, account: Account, raw: bytes) -> Whole:
        """mediaUrl and mediaType, or media_url and media_type -> {"post": {"id", ...}}."""
        body = _body(raw) or {}
        kind = body.get("mediaType") or body.get("media_type")
        url = str(body.get("mediaUrl") or body.get("media_url") or "")
        if kind not in _POST_TYPES or not (url or body.get("prompt")):
            return _bad("mediaType and mediaUrl are required")
        path = url.removeprefix("https://assets.grok.com/").lstrip("/")
        file = account.assets.get(path)
        if path.startswith("users/") and file is None:
            return envelope(403, 7, "Permission denied", wrapped=False)
        post_id, prompt = str(uuid.uuid4()), str(body.get("prompt") or "")
        account.posts.add(post_id)
        post = {
            "id": post_id, "userId": account.user_id, "createTime": now_iso(), "prompt": prompt,
            "originalPrompt": prompt, "mediaType": kind, "mediaUrl": url,
            "mimeType": file.mime if file else "",
        }  # fmt: skip
        return json_reply({"post": post})

    def limits(self, account: Account, raw: bytes) -> Whole:
        """The units left in the pool of a model; the form is the account's, else the server's."""
        model = (_body(raw) or {}).get("modelName")
        if not isinstance(model, str) or not _RATE_MODEL.fullmatch(model):
            return _bad("modelName: unknown model")
        pool = account.pool(model in ("heavy", "grok-4-heavy"))
        left, wait = pool.remaining(), pool.wait_s()
        answer: dict[str, Any] = {
            "windowSizeSeconds": int(pool.window_s), "remainingQueries": left, "totalQueries": pool.total,
        }  # fmt: skip
        if left == 0:
            answer["waitTimeSeconds"] = wait
        if (account.shape or self.shape) == "queries":
            return json_reply(answer | {"lowEffortRateLimits": None, "highEffortRateLimits": None})
        answer |= {"remainingTokens": left, "totalTokens": pool.total}
        for name, cost in (("lowEffortRateLimits", 1), ("highEffortRateLimits", 4)):
            count = left // cost
            answer[name] = {"cost": cost, "waitTimeSeconds": 0 if count else wait, "remainingQueries": count}
        return json_reply(answer)

    def asset(self, request: Request) -> Reply:
        """A file of the asset host: 403 without a cookie of the owner, 404 for an unknown path."""
        visitor = self._accounts.get(request.cookies.get("sso", ""))
        if visitor is None:
            return self._owned(request, None)
        return spoiled(visitor, "assets", lambda: self._owned(request, visitor))

    def _owned(self, request: Request, visitor: Account | None) -> Reply:
        match = _USER.match(request.path)
        owner = self._accounts.owner(match[1]) if match else None
        if match and (visitor is None or visitor is not owner):
            return Whole(403, b"Forbidden", "text/plain")
        file = owner.assets.get(request.path.lstrip("/")) if owner else None
        return Whole(404, b"Not Found", "text/plain") if file is None else _file(request, file)


def _file(request: Request, file: File) -> Reply:
    """The file as its behaviour wants it; the first read is what `..._then_200` spoils, the others `later_...`."""
    file.reads += 1
    good = Whole(200, file.content, file.mime, {"Cache-Control": "private, max-age=3600"})
    behaviour, half = file.behaviour, len(file.content) // 2
    if behaviour.endswith("_then_200"):
        behaviour = behaviour.removesuffix("_then_200") if file.reads == 1 else ""
    if behaviour.startswith("later_"):
        behaviour = behaviour.removeprefix("later_") if file.reads > 1 else ""
    match behaviour:
        case "" | "ok":
            return good
        case "html_200" | "html":
            return Whole(200, faults.CHALLENGE, faults.HTML)
        case "json_200":
            return Whole(200, b'{"code":5,"message":"not found","details":[]}')
        case "empty":
            return Whole(200, b"", file.mime)
        case "truncated":
            return Whole(200, file.content[:half], file.mime, length=len(file.content))
        case "unfinished":
            return Stream([Send(file.content[:half], raw=True)], content_type=file.mime, transport="close")
        case "gzip":
            good.body = gzip.compress(good.body)
            good.headers["Content-Encoding"] = "gzip"
        case "429_wait":
            return json_reply({"code": 8, "message": "Too many requests", "waitTimeSeconds": 2}, 429)
        case "wrong_length":
            return Whole(200, file.content, file.mime, length=half)
        case "redirect":
            if "direct" in request.query:
                return good
            return Whole(302, b"", "text/plain", {"Location": f"{request.path}?direct=1"})
        case "slow":
            good.slow_s = 3.0
        case "octet":
            good.content_type = "application/octet-stream"
        case "reset":
            return faults.early(Directive("reset_before"), wrapped=False) or good
        case "stall":
            return faults.early(Directive("stall_before"), wrapped=False) or good
        case status if status.isdigit():
            return Whole(int(status), b"error", "text/plain")
    return good
