"""Builders of the frames of the Grok stream: pure functions from values to JSON-ready dicts.

Times are ISO 8601 with milliseconds in UTC. `rid` is the id of the answer, or of the user message in
`user_response`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import orjson

Json = dict[str, Any]


def now_iso(offset_s: float = 0.0) -> str:
    at = time.time() + offset_s
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03d}Z"


def result(**parts: object) -> Json:
    return {"result": parts}


def response(rid: str, *, thinking: bool = False, soft_stop: bool = False, **fields: object) -> Json:
    """A `response` frame: its own keys first, then the three every frame has."""
    return result(response={**fields, "isThinking": thinking, "isSoftStop": soft_stop, "responseId": rid})


def conversation(conversation_id: str, temporary: bool) -> Json:
    return result(
        conversation={
            "conversationId": conversation_id, "title": "New conversation", "starred": False,
            "createTime": now_iso(), "modifyTime": now_iso(0.01), "systemPromptName": "",
            "temporary": temporary, "mediaTypes": [],
        }
    )  # fmt: skip


def _message(rid: str, text: str, sender: str, parent: str, model: str) -> Json:
    """The fields that userResponse and modelResponse share."""
    return {
        "responseId": rid, "message": text, "sender": sender, "createTime": now_iso(),
        "parentResponseId": parent, "manual": False, "partial": False, "shared": False, "query": "",
        "queryType": "", "webSearchResults": [], "xpostIds": [], "xposts": [], "generatedImageUrls": [],
        "imageAttachments": [], "fileAttachments": [], "cardAttachmentsJson": [], "fileUris": [],
        "fileAttachmentsMetadata": [], "isControl": False, "steps": [], "mediaTypes": [], "model": model,
        "metadata": {},
    }  # fmt: skip


def user_response(rid: str, text: str, model: str, files: list[str]) -> Json:
    return response(rid, userResponse={**_message(rid, text, "human", "", model), "fileAttachments": files})


def model_response(rid: str, parent: str, text: str, model: str, mode: str, **fields: object) -> Json:
    metadata = {"llm_info": {"modelHash": "f0f0f0f0"}, "request_metadata": {"model": model, "mode": mode}}
    whole = {**_message(rid, text, "ASSISTANT", parent, model), "metadata": metadata, **fields}
    return response(rid, modelResponse=whole)


def ui_layout(rid: str, will_think: bool) -> Json:
    effort = "HIGH" if will_think else "LOW"
    layout = {"reasoningUiLayout": "SPLIT", "willThinkLong": will_think, "effort": effort, "rolloutIds": []}
    return response(rid, uiLayout=layout)


def llm_info(rid: str) -> Json:
    return response(rid, llmInfo={"modelHash": "f0f0f0f0"})


def progress_report(rid: str, state: str) -> Json:
    report = {
        "category": "PROGRESS_REPORT_CATEGORY_ATTACHMENTS_PREPROCESSING",
        "state": f"PROGRESS_REPORT_STATUS_{state}", "message": "",
        "percentage": 0 if state == "PENDING" else 100,
    }  # fmt: skip
    return response(rid, progressReport=report)


def token(
    rid: str,
    text: object,
    *,
    thinking: bool = False,
    tag: str = "final",
    soft_stop: bool = False,
    **fields: object,
) -> Json:
    """A token; `text` is a string in good streams. `fields` are messageStepId, rolloutId, toolUsageCardId
    and such.
    """
    whole: Json = {"token": text, "isThinking": thinking, "isSoftStop": soft_stop, "responseId": rid}
    if tag:
        whole["messageTag"] = tag
    return result(response={**whole, **fields})


def tool_card(rid: str, card_id: str, tool: str, query: str, step: int) -> Json:
    """A whole `xai:tool_usage_card` in one thinking token, with the parsed form beside it. `tool` is
    camelCase.
    """
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in tool)
    args = orjson.dumps({"query": query, "num_results": "10"}).decode()
    markup = (
        f"<xai:tool_usage_card>\n  <xai:tool_usage_card_id>{card_id}</xai:tool_usage_card_id>\n"
        f"  <xai:tool_name>{snake}</xai:tool_name>\n  <xai:tool_args><![CDATA[{args}]]></xai:tool_args>\n"
        "</xai:tool_usage_card>"
    )
    card = {"toolUsageCardId": card_id, tool: {"args": {"query": query, "numResults": 10}}}
    return token(
        rid, markup, thinking=True, tag="tool_usage_card", messageStepId=step, rolloutId="Grok",
        toolUsageCardId=card_id, toolUsageCard=card,
    )  # fmt: skip


def tool_result(rid: str, card_id: str, step: int, **results: object) -> Json:
    """Results of a tool: webSearchResults={"results": [...]}, xSearchResults or codeExecutionResult."""
    fields: Json = results
    return token(
        rid, "", thinking=True, tag="raw_function_result", messageStepId=step, rolloutId="Grok",
        toolUsageCardId=card_id, **fields,
    )  # fmt: skip


def web_hit(url: str, title: str, preview: str, number: int) -> Json:
    empty = dict.fromkeys(
        ("searchEngineText", "description", "siteName", "metadataTitle", "creator", "image", "favicon"), ""
    )
    return {"url": url, "title": title, "preview": preview, **empty, "citationId": str(number)}


def x_hit(user: str, text: str, number: int) -> Json:
    return {
        "username": user, "name": user.title(), "text": text, "createTime": now_iso(-3600),
        "profileImageUrl": "https://example.org/p.jpg", "postId": str(1900000000000000000 + number),
        "citationId": str(number), "parent": "", "quote": "", "viewCount": 12,
    }  # fmt: skip


def card(rid: str, data: Json) -> Json:
    """A cardAttachment; `jsonData` is a JSON string, as on the wire."""
    return response(rid, cardAttachment={"jsonData": orjson.dumps(data).decode()})


def citation_card(card_id: str, url: str) -> Json:
    return {"id": card_id, "type": "render_inline_citation", "cardType": "citation_card", "url": url}


def image_card(card_id: str, chunk: Json | None) -> Json:
    return {
        "id": card_id, "type": "render_generated_image", "cardType": "generated_image_card",
        "image_chunk": chunk,
    }  # fmt: skip


def render_tag(card_id: str, kind: str, card_type: str, **arguments: object) -> str:
    inner = "".join(f'<argument name="{name}">{value}</argument>' for name, value in arguments.items())
    return f'<grok:render card_id="{card_id}" card_type="{card_type}" type="{kind}">{inner}</grok:render>'


def streaming_image(rid: str, fields: Json) -> Json:
    return response(rid, streamingImageGenerationResponse=fields)


def streaming_video(rid: str, fields: Json) -> Json:
    return response(rid, streamingVideoGenerationResponse=fields)


def final_metadata(rid: str) -> Json:
    follow_up = {
        "properties": {"messageType": "STANDARD", "followUpType": "STANDARD"},
        "label": "Tell me more", "toolOverrides": {},
    }  # fmt: skip
    body = {"followUpSuggestions": [follow_up], "feedbackLabels": [], "toolsUsed": {}, "disclaimer": ""}
    return response(rid, finalMetadata=body)


def title(text: str) -> Json:
    return result(title={"newTitle": text})


def error(code: object, message: str) -> Json:
    """The wrapped error of a streaming endpoint."""
    return {"error": {"code": code, "message": message, "details": []}}


def stream_error(
    rid: str, message: str, reason: str, severity: str = "NORMAL", **reason_fields: object
) -> Json:
    """`response.error`: the one key besides message and severity names the reason."""
    body = {"message": message, reason: reason_fields, "severity": f"STREAM_ERROR_SEVERITY_{severity}"}
    return result(response={"error": body, "responseId": rid})


def unwrapped(frame: Json) -> Iterator[Json]:
    """The continuation form of a frame: no `response` level, and no conversation frame."""
    parts = frame.get("result")
    if not isinstance(parts, dict):
        yield frame
    elif "response" in parts:
        yield {"result": parts["response"]}
    elif "conversation" not in parts:
        yield frame
