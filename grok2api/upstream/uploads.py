"""What upstream answers to an uploaded file, and to a post made of one. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from grok2api.errors import UpstreamFailed
from grok2api.upstream.media_frames import asset_path


class UploadedFile(NamedTuple):
    """id: under which a chat attaches it. path: on the assets host, "" when upstream did not say."""

    id: str
    path: str

    @property
    def user(self) -> str:
        """Whose file it is, as paths on the assets host have it; "" when its own does not tell."""
        folder, _, rest = self.path.partition("/")
        return rest.partition("/")[0] if folder == "users" else ""


def read_uploaded(body: bytes) -> UploadedFile:
    """Raises UpstreamFailed."""
    document = _object(body, "an upload")
    id_ = document.get("fileMetadataId") or document.get("fileId")
    if not isinstance(id_, str) or not id_:
        raise UpstreamFailed("Grok took a file but did not name it.")
    path = asset_path(document.get("fileUri")) or ""
    return UploadedFile(id_, "" if "://" in path else path)


def read_post_id(body: bytes) -> str:
    """Raises UpstreamFailed."""
    post = _object(body, "a post").get("post")
    id_ = post.get("id") if isinstance(post, dict) else None
    if not isinstance(id_, str) or not id_:
        raise UpstreamFailed("Grok made a post but did not name it.")
    return id_


def _object(body: bytes, of: str) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UpstreamFailed(f"Grok's answer to {of} is broken.") from error
    return document if isinstance(document, dict) else {}
