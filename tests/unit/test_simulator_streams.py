"""The streams of the simulator: frame order, transports, handshakes and faults."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from tests.simulator import answers
from tests.simulator.calls import CHAT, chat, frames, headers, order, raw_chat, read_until, text
from tests.simulator.chat import SCENARIOS
from tests.simulator.client import Simulator, directive, script
from tests.simulator.directives import pack
from tests.simulator.faults import HTTP_FAULTS, Envelope
from tests.simulator.http import TRANSPORTS

HEAD = ["conversation", "userResponse", "uiLayout", "llmInfo"]
TAIL = ["stop", "finalMetadata", "modelResponse", "title"]
IMAGES = ["progressReport", "queryAction", "imageAttachmentInfo", "streamingImageGenerationResponse"]


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator() as running:
        running.add_account("sim-basic-ok-t", quota=100_000, tier="super", heavy_quota=1000)
        yield running


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", [*HEAD, "token", *TAIL]),
        ("plain thinking=2", [*HEAD, "header", "summary", "token", *TAIL]),
        ("late_think", [*HEAD, "header", "summary", "token", "header", "summary", "token", *TAIL]),
        ("unclosed_think", [*HEAD, "header", "summary", "modelResponse"]),
        ("message_only", [*HEAD, "finalMetadata", "modelResponse", "title"]),
        ("no_model_response", [*HEAD, "token", "stop", "finalMetadata", "title"]),
        ("plain tokens=0", [*HEAD, *TAIL]),
        ("long_line", [*HEAD, "token", "webSearchResults", "token", *TAIL]),
        ("images", [*HEAD, *IMAGES, *TAIL]),
        ("preview_only", [*HEAD, *IMAGES, *TAIL]),
        ("edit", [*HEAD, "progressReport", "imageDimensions", IMAGES[3], *TAIL]),
        ("error_mid", [*HEAD, "token", "error"]),
        ("error_first", ["error"]),
        ("load_shed", [*HEAD, "error", "modelResponse"]),
        ("model_response_error", [*HEAD, "modelResponse"]),
    ],
)
def test_frames_come_in_the_order_of_the_protocol(sim: Simulator, name: str, expected: list[str]) -> None:
    assert order(chat(sim, f"[[sim: {name}]]")) == expected


def test_a_search_shows_tools_results_and_a_citation(sim: Simulator) -> None:
    seen = order(chat(sim, directive("search")))
    tools = ["header", "summary", "tool_usage_card", "raw_function_result"]
    assert seen == [*HEAD, *tools, *tools, "token", "cardAttachment", "token", *TAIL]


def test_a_video_reports_progress_and_its_path_at_the_end(sim: Simulator) -> None:
    answer = chat(sim, directive("video"))
    assert order(answer)[-4:] == ["streamingVideoGenerationResponse", "stop", "modelResponse", "title"]
    parts = [
        frame["result"].get("response", {}).get("streamingVideoGenerationResponse")
        for frame in frames(answer)
    ]
    videos = [part for part in parts if part]
    assert [part["progress"] for part in videos] == [1, 5, 16, 33, 50, 66, 94, 95, 100]
    assert [part for part in videos if "videoUrl" in part] == videos[-1:]


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"script", "stall_mid", "reset_mid", "cut_mid"}))
def test_every_scenario_answers_200_and_ends(sim: Simulator, name: str) -> None:
    assert chat(sim, directive(name, wait=0), f"sim-basic-ok-{name}").status_code == 200


@pytest.mark.parametrize("name", ["tags", "tags_split"])
def test_tags_reach_the_client_whole_or_split(sim: Simulator, name: str) -> None:
    assert text(chat(sim, directive(name))) == "".join(answers.TAGS)


def test_answers_can_be_given_exactly(sim: Simulator) -> None:
    odd = "a \u2028b\n\n  <c> \U0001f600"
    assert text(chat(sim, directive("plain", answer=pack(odd)))) == odd
    assert text(chat(sim, directive("plain", tokens64=pack(["x", " ", "\n"])))) == "x \n"
    assert text(chat(sim, "user: old [[sim: plain tokens=9]]\nuser: new [[sim: plain tokens=2]]")) == "w0 w1"
    assert text(chat(sim, "hello [[sim: echo]]")) == "hello [[sim: echo]]"


def test_an_unwrapped_stream_has_no_response_level(sim: Simulator) -> None:
    lines = frames(chat(sim, "[[sim: unwrapped tokens=1]]"))
    assert "userResponse" in lines[0]["result"]
    assert any(line["result"].get("token") == "w0" for line in lines)


def test_a_thinking_model_thinks_and_a_wish_for_a_picture_is_granted(sim: Simulator) -> None:
    assert "header" in order(chat(sim, "hi", modelName="grok-4", modelMode="MODEL_MODE_EXPERT"))
    assert "hi" in text(chat(sim, "hi"))
    assert IMAGES[3] in order(chat(sim, "please draw a cat"))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_token_arrives_at_once_in_every_transport(sim: Simulator, transport: str) -> None:
    key = f"step-{transport}"
    sent = headers("sim-basic-ok-t") | {"Accept-Encoding": "gzip, deflate"}
    body = {"message": directive("plain", tokens=3, transport=transport, step=key), "modelName": "grok-3"}
    with requests.post(sim.url + CHAT, json=body, headers=sent, stream=True, timeout=5) as answer:
        data = b""
        for number in range(3):
            sim.wait_waiting(key)
            assert b'"w%d"' % number not in data.replace(b" ", b"")
            sim.step(key)
            while b'"w%d"' % number not in data.replace(b" ", b""):
                data += answer.raw.read1(65536, decode_content=True)
        data += answer.raw.read(decode_content=True)
    assert b"modelResponse" in data


@pytest.mark.parametrize("options", ["segment=7", "split=5", "batch=4", "segment=11 transport=gzip"])
def test_cutting_and_joining_does_not_change_the_bytes(sim: Simulator, options: str) -> None:
    assert text(chat(sim, f"[[sim: plain tokens=5 {options}]]")) == "w0 w1 w2 w3 w4"


def test_line_ends_blank_lines_and_sse(sim: Simulator) -> None:
    assert b"}{" in chat(sim, "[[sim: plain newline=none]]").content
    assert b"}\r\n{" in chat(sim, "[[sim: plain newline=crlf]]").content
    assert b"\n  \n" in chat(sim, "[[sim: plain blank=1]]").content
    assert chat(sim, "[[sim: plain keepalive=1]]").content.count(b"keepAlive") > 3
    sse = chat(sim, "[[sim: plain sse=1]]")
    assert sse.content.startswith(b"event: message\ndata: {") and sse.content.endswith(b"data: [DONE]\n\n")


def test_stamps_are_the_time_of_sending(sim: Simulator) -> None:
    tokens = text(chat(sim, "[[sim: plain tokens=5 stamp=1 delay=0.02]]")).split()
    times = [int(token[1:]) for token in tokens]
    assert len(times) == 5 and times[-1] - times[0] > 70e6 and abs(time.monotonic_ns() - times[-1]) < 1e9


@pytest.mark.parametrize("name", sorted(HTTP_FAULTS))
def test_http_faults_have_their_status_and_envelope(sim: Simulator, name: str) -> None:
    answer, fault = chat(sim, directive(name), f"sim-basic-ok-{name}"), HTTP_FAULTS[name]
    assert answer.status_code == fault.status
    if isinstance(fault, Envelope):
        assert answer.json() == {"error": {"code": fault.code, "message": fault.message, "details": []}}
    else:
        assert answer.content == fault.body


@pytest.mark.parametrize("name", ["reset_before", "reset_headers", "reset_mid", "cut_mid"])
def test_connection_faults_break_the_connection(sim: Simulator, name: str) -> None:
    with pytest.raises(requests.RequestException):
        chat(sim, directive(name))


def test_a_reset_in_the_middle_comes_after_the_tokens(sim: Simulator) -> None:
    with raw_chat(sim.port, directive("reset_mid", after=2)) as sock:
        read_until(sock, b'" w1"')
        with pytest.raises(ConnectionResetError):
            while sock.recv(65536):
                pass


def test_eof_mid_is_a_proper_end_without_model_response(sim: Simulator) -> None:
    assert order(chat(sim, "[[sim: eof_mid after=2]]")) == [*HEAD, "token"]
    close = chat(sim, "[[sim: cut_mid after=2 transport=close]]")
    assert order(close) == [*HEAD, "token"]


def test_a_drip_has_no_line_end(sim: Simulator) -> None:
    with raw_chat(sim.port, directive("drip", interval=0.01)) as sock:
        data = read_until(sock, b"\r\n1\r\n{\r\n1\r\n")
        assert b"200 OK" in data


@pytest.mark.parametrize("name", ["stall_before", "stall_headers", "stall_mid", "plain tokens=9 hold=never"])
def test_a_client_that_leaves_a_silent_stream_is_noticed_within_a_second(sim: Simulator, name: str) -> None:
    sso = f"sim-basic-ok-leaves.{name.split()[0]}"
    sock = raw_chat(sim.port, f"[[sim: {name}]]", sso)
    sim.wait_until(lambda: sim.chats(sso))
    time.sleep(0.1)
    assert sim.chats(sso)[0]["ended"] is None
    left = time.time()
    sock.close()
    sim.wait_until(lambda: sim.chats(sso)[0]["ended"] == "client_gone", timeout_s=1)
    assert sim.chats(sso)[0]["closed_at"] - left < 0.5


def test_a_script_is_followed_to_the_letter(sim: Simulator) -> None:
    assert (
        chat(sim, script([["line", {"a": 1}], ["bytes", "eHg="], ["line", "y"]])).content == b'{"a":1}\nxxy\n'
    )
    with pytest.raises(requests.RequestException):
        chat(sim, script([["line", "y"], ["sleep", 0.01], ["cut"]]))


def test_a_typo_in_a_directive_is_a_400(sim: Simulator) -> None:
    for wrong in ("[[sim: plane]]", "[[sim: plain token=3]]", "[[sim: plain tokens=x]]", "[[sim: plain"):
        answer = chat(sim, wrong)
        assert answer.status_code == 400 and "simulator" in answer.json()["error"]["message"]
