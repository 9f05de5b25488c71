"""What upstream answers to an uploaded file. Pure."""

from __future__ import annotations

import orjson

from grok2api.errors import UpstreamFailed


def read_file_id(body: bytes) -> str:
    """The id under which a chat attaches the file. Raises UpstreamFailed."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UpstreamFailed("Grok's answer to an upload is broken.") from error
    found = document.get("fileMetadataId") or document.get("fileId") if isinstance(document, dict) else None
    if not isinstance(found, str) or not found:
        raise UpstreamFailed("Grok took a file but did not name it.")
    return found
