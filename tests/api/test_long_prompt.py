"""A conversation above `prompt_inline_limit` goes to Grok as a file of the leased account."""

from __future__ import annotations

import base64

from tests.gateway import Gateway
from tests.simulator.client import Simulator

LONG = "word " * 300


def test_a_long_conversation_is_uploaded(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_settings(prompt_inline_limit=1000)
    gateway.answer("short")
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": LONG + "你好"}]
    answer = gateway.post("/v1/chat/completions", {"model": "grok-4.1", "messages": messages})
    assert answer.status_code == 200, answer.text
    short, long = simulator.chats()
    assert short["body"]["fileAttachments"] == [] and short["body"]["message"] == "short"
    [uploaded] = simulator.requests(path="/rest/app-chat/upload-file")
    assert (uploaded["body"]["fileName"], uploaded["body"]["fileMimeType"]) == ("message.txt", "text/plain")
    content = base64.b64decode(uploaded["body"]["content"]).decode()
    assert content == f"[system]\nBe brief.\n\n[user]\n{LONG}你好"
    assert uploaded["sso"] == long["sso"]
    assert len(long["body"]["fileAttachments"]) == 1
    assert "message.txt" in long["body"]["message"] and "word" not in long["body"]["message"]


def test_an_upload_that_fails_goes_on_with_another_account(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_accounts(["sim-basic-500-a.only.upload", "sim-basic-ok-b"])
    gateway.set_settings(prompt_inline_limit=1000)
    for _ in range(2):  # whichever comes first
        assert gateway.chat(LONG).status_code == 200
    uploads = simulator.requests(path="/rest/app-chat/upload-file")
    assert {upload["status"] for upload in uploads} == {500, 200}
    assert {chat["sso"] for chat in simulator.chats()} == {"sim-basic-ok-b"}


def test_a_file_that_is_too_large_for_upstream_is_said_so(gateway: Gateway, simulator: Simulator) -> None:
    simulator.defaults(upload_limit_bytes=100)
    gateway.set_settings(prompt_inline_limit=1000)
    refused = gateway.chat(LONG)
    assert refused.status_code == 400, refused.text
    assert len(simulator.requests(path="/rest/app-chat/upload-file")) == 1
