"""The JSON that upstream expects for a chat. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grok2api.catalogue import Model


def chat_payload(
    model: Model, prompt: str, *, temporary: bool, files: Sequence[str] = (), pictures: bool = False
) -> dict[str, Any]:
    """The body of `conversations/new` in the dialect that the model's row asks for. files: ids of attachments.
    pictures: the answer is to be pictures rather than words."""
    payload: dict[str, Any] = {
        "temporary": temporary,
        "message": prompt,
        "fileAttachments": list(files),
        "imageAttachments": [],
        "disableSearch": False,
        "enableImageGeneration": True,
        "enableImageStreaming": True,
        "imageGenerationCount": 2,
        "returnImageBytes": False,
        "returnRawGrokInXaiRequest": False,
        "forceConcise": False,
        "toolOverrides": {"imageGen": True} if pictures else {},
        "enableSideBySide": True,
        "forceSideBySide": False,
        "sendFinalMetadata": True,
        "isReasoning": False,
        "webpageUrls": [],
        "disableTextFollowUps": True,
        "disableMemory": False,
        "isAsyncChat": False,
    }
    if model.mode_id:
        return payload | {"modeId": model.mode_id}
    return payload | {
        "modelName": model.upstream_model,
        "modelMode": model.upstream_mode,
        "responseMetadata": {"requestModelDetails": {"modelId": model.upstream_model}},
    }


def video_payload(model: Model, source: str, prompt: str, *, temporary: bool, file: str) -> dict[str, Any]:
    """The body that makes a video of one uploaded picture. source: see `post_url` and `unposted_url`; file: its id."""
    payload: dict[str, Any] = {
        "temporary": temporary,
        "message": f"{source}  {prompt} --mode=custom",
        "fileAttachments": [file],
        "toolOverrides": {"videoGen": True},
    }
    return payload | ({"modeId": model.mode_id} if model.mode_id else {"modelName": model.upstream_model})


def post_url(post_id: str) -> str:
    """How a video's message names the post it is made of."""
    return f"https://grok.com/imagine/{post_id}"


def unposted_url(path: str) -> str:
    """How it names an uploaded picture that no post could be made of. path: on the assets host."""
    return f"https://assets.grok.com/post/{path}"


def file_url(path: str) -> str:
    """An uploaded picture's own address."""
    return f"https://assets.grok.com/{path}"
