"""/api/cache: what the cache of media holds on this node, clearing it, and what was handed out."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from grok2api.errors import BadRequest
from grok2api.media import Kind, MediaItem
from grok2api.services.media_cache import CacheUnavailable
from grok2api.web.admin import auditing
from grok2api.web.admin.errors import CannotClear, CannotRead
from grok2api.web.admin.fields import page_of
from grok2api.web.admin.guard import blueprint
from grok2api.web.api.answering import media_base
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_KINDS = {"": None, **{kind.value: kind for kind in Kind}}


@blueprint.get("/cache/size")
def cache_size() -> Response:
    """Of the files on this node's disk, counted now."""
    try:
        sizes = get_services().media.cache.sizes()
    except CacheUnavailable as error:
        raise CannotRead(f"The cache cannot be read: {error}.") from error
    image, video = sizes[Kind.IMAGE], sizes[Kind.VIDEO]
    data = {
        "image_size": _human(image),
        "video_size": _human(video),
        "total_size": _human(image + video),
        "image_size_bytes": image,
        "video_size_bytes": video,
        "total_size_bytes": image + video,
    }
    return json_response({"success": True, "data": data})


@blueprint.post("/cache/clear")
def clear_cache() -> Response:
    return _clear(*Kind)


@blueprint.post("/cache/clear/images")
def clear_images() -> Response:
    return _clear(Kind.IMAGE)


@blueprint.post("/cache/clear/videos")
def clear_videos() -> Response:
    return _clear(Kind.VIDEO)


@blueprint.get("/cache/media")
def list_media() -> Response:
    """Recent media, the newest first; of a `kind`, or all."""
    kind = request.args.get("kind", "")
    if kind not in _KINDS:
        raise BadRequest("`kind` must be image or video.", "kind")
    offset, size = page_of(request.args)
    media = get_services().media
    rows, total = media.page(_KINDS[kind], offset, size)
    base = media_base()
    data = [_row(item, cached, media.link(item.path, base)) for item, cached in rows]
    return json_response({"success": True, "data": data, "total": total})


def _row(item: MediaItem, size: int | None, url: str) -> dict[str, Any]:
    """size: null where this node does not hold the file, which its link fetches."""
    return {
        "path": item.path,
        "url": url,
        "kind": item.kind,
        "created_time": int(item.created_at * 1000),
        "account_id": item.account_id,
        "size_bytes": size,
    }


def _clear(*kinds: Kind) -> Response:
    """Files that are being served stay."""
    cache = get_services().media.cache
    try:
        cleared = {kind: cache.clear(kind) for kind in kinds}
    except CacheUnavailable as error:
        raise CannotClear(f"The cache cannot be cleared: {error}.") from error
    counts = {f"{kind}_count": files.number for kind, files in cleared.items()}
    deleted = sum(counts.values())
    freed = sum(files.size for files in cleared.values())
    auditing.note("cache_clear", kinds=[str(kind) for kind in kinds], count=deleted)
    data = {"deleted_count": deleted, **counts, "freed_bytes": freed}
    message = f"{deleted} files ({_human(freed)}) were removed."
    return json_response({"success": True, "message": message, "data": data})


def _human(size: int) -> str:
    value, unit = float(size), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{size} B"
