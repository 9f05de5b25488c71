"""The JSON that upstream expects for a chat. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grok2api.catalogue import Model


def chat_payload(model: Model, prompt: str, *, temporary: bool, files: Sequence[str] = ()) -> dict[str, Any]:
    """The body of `conversations/new` in the dialect that the model's row asks for. files: ids of attachments."""
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
        "toolOverrides": {},
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
