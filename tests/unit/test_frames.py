"""From upstream's bytes to events: every scenario in every cut, and every line that is not what it should be."""

from __future__ import annotations

import json
import time
import zlib
from functools import cache, partial
from io import BytesIO
from typing import Any

import orjson
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3 import HTTPResponse

from grok2api.errors import GatewayError, RateLimited, UpstreamFailed
from grok2api.events import (
    Citation,
    Event,
    Finish,
    Image,
    Moderated,
    Progress,
    Reasoning,
    Source,
    Sources,
    Text,
    Video,
)
from grok2api.upstream.frames import MAX_LINE_BYTES, FrameReader, read_events
from grok2api.upstream.media_frames import MediaReader, asset_path, citation_of, percent_of
from grok2api.upstream.transport import READ_BYTES, PromptAdapter, PromptBody
from tests.simulator import frames as made
from tests.simulator.answers import TAGS
from tests.unit.grok_streams import (
    ALL_SCENARIOS,
    PATIENT,
    TOKENS,
    Outcome,
    cut,
    frames_of,
    json_values,
    lines_of,
    options_of,
    outcome_of,
    read,
)

GOOD_END = made.model_response("a-1", "u-1", "", "grok-3", "fast")


@cache
def scenario(name: str) -> tuple[tuple[bytes, ...], Outcome]:
    """A scenario's lines, and what they come to read one by one."""
    lines = tuple(frames_of(name, **options_of(name)))
    return lines, outcome_of(lines)


def answer(*frames: object) -> list[Event]:
    """The events of an answer of these frames, between a start and a good end."""
    return list(read_events([orjson.dumps(frame) for frame in (*frames, GOOD_END)]))


def texts(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


# Any split of the bytes


def dressings() -> st.SearchStrategy[tuple[bytes, bytes]]:
    """What stands before and behind each frame on the wire."""
    before = st.sampled_from((b"", b"", b"data: ", b"data:", b"event: message\ndata: "))
    behind = st.sampled_from((b"\n", b"\r\n", b"\n\n", b"\n \t\n", b"\r\n\r\n", b"\n: ping\n", b"\nid: 7\n"))
    return st.tuples(before, behind)


@pytest.mark.parametrize("name", ALL_SCENARIOS)
@given(data=st.data())
@settings(PATIENT, max_examples=12)
def test_any_split_of_a_scenario_gives_the_same_events(name: str, data: st.DataObject) -> None:
    lines, expected = scenario(name)
    before, behind = data.draw(dressings())
    body = b"".join(before + line + behind for line in lines)
    places = data.draw(st.lists(st.integers(0, len(body)), max_size=60))
    assert read(cut(body, places)) == expected


@pytest.mark.parametrize("name", ALL_SCENARIOS)
@pytest.mark.parametrize(("before", "behind"), [(b"", b"\n"), (b"", b"\r\n"), (b"data: ", b"\r\n\r\n")])
def test_a_scenario_that_arrives_byte_by_byte_gives_the_same_events(
    name: str, before: bytes, behind: bytes
) -> None:
    lines, expected = scenario(name)
    body = b"".join(before + line + behind for line in lines)
    assert read(body[at : at + 1] for at in range(len(body))) == expected


@pytest.mark.parametrize("name", [n for n in ALL_SCENARIOS if not n.startswith("malformed")])
@given(data=st.data())
@settings(PATIENT, max_examples=6)
def test_objects_without_a_line_end_between_them_give_the_same_events(name: str, data: st.DataObject) -> None:
    lines, expected = scenario(name)
    ends = data.draw(st.lists(st.sampled_from((b"", b"", b" ", b"\n")), min_size=9, max_size=9))
    body = b"".join(line + ends[number % 9] for number, line in enumerate(lines))
    assert read(cut(body, data.draw(st.lists(st.integers(0, len(body)), max_size=20)))) == expected


@pytest.mark.parametrize("name", ["plain", "search", "images", "error_mid"])
def test_what_stands_before_an_error_on_the_same_line_is_not_lost(name: str) -> None:
    lines, (events, _) = scenario(name)
    assert outcome_of([b"".join(lines)])[0] == events


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("flushed", [True, False])
def test_a_compressed_body_gives_the_same_events(encoding: str, flushed: bool) -> None:
    lines, expected = scenario("plain")
    packer = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
    flush = zlib.Z_SYNC_FLUSH if flushed else zlib.Z_NO_FLUSH
    body = b"".join(packer.compress(line + b"\n") + packer.flush(flush) for line in lines) + packer.flush()
    raw = HTTPResponse(BytesIO(body), headers={"content-encoding": encoding}, preload_content=False)
    response = PromptAdapter().build_response(requests.PreparedRequest(), raw)
    assert outcome_of(response.iter_lines(chunk_size=READ_BYTES)) == expected


def test_a_line_is_handed_out_before_the_next_piece_is_asked_for() -> None:
    asked: list[int] = []

    def pieces() -> Any:
        for number, piece in enumerate((b'{"a":', b"1}\n", b'{"b":2}\n{"c"', b":3}")):
            asked.append(number)
            yield piece

    class Lazy:
        chunked = False

        def __init__(self) -> None:
            self._pieces = pieces()

        def read1(self, amt: int, decode_content: bool | None = None) -> bytes:
            return next(self._pieces, b"")

        def isclosed(self) -> bool:
            return len(asked) == 4

    response = requests.Response()
    response.raw = PromptBody(Lazy())  # type: ignore[arg-type]
    seen = []
    for line in response.iter_lines(chunk_size=READ_BYTES):
        seen.append((line, len(asked)))
    assert seen == [(b'{"a":1}', 2), (b'{"b":2}', 3), (b'{"c":3}', 4)]


def test_a_body_that_is_not_over_may_return_nothing_for_a_while() -> None:
    assert list(lines_of([b"", b'{"a"', b"", b"", b":1}\n", b"", b"2"])) == [b'{"a":1}', b"2"]


def test_everything_but_its_stream_is_the_bodys_own() -> None:
    raw = HTTPResponse(BytesIO(b"whole"), status=201, preload_content=False)
    body = PromptBody(raw)
    assert body.status == 201 and body.read() == b"whole"


# Totality


def assert_total(line: bytes) -> None:
    """Only our errors, and events that any output can carry."""
    reader = FrameReader()
    for part in (partial(reader.read, line), partial(FrameReader().read, line), reader.end):
        try:
            assert_clean(list(part()))
        except GatewayError as error:
            str(error).encode("utf-8")


def assert_clean(events: list[Event]) -> None:
    for event in events:
        json.dumps(event, ensure_ascii=False).encode("utf-8")
        assert not isinstance(event, Text | Reasoning) or event.text
        assert not isinstance(event, Reasoning) or not event.heading or len(event.text.splitlines()) == 1
        assert not isinstance(event, Progress) or 0 <= event.percent <= 100
        assert not isinstance(event, Image | Video) or (event.path and not event.path.startswith("/"))
        if isinstance(event, Sources):
            assert event.items and all(type(word) is str for source in event.items for word in source)


@given(json_values(), st.booleans())
@settings(PATIENT, max_examples=100)
def test_any_json_value_is_a_line(value: object, ascii_only: bool) -> None:
    assert_total(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


@given(st.dictionaries(st.sampled_from(sorted(made.response("a")["result"]["response"])), json_values()))
@settings(PATIENT, max_examples=100)
def test_a_tokens_keys_may_hold_anything(fields: dict[str, object]) -> None:
    for frame in ({"result": {"response": {"token": "x"} | fields}}, {"result": {"token": "x"} | fields}):
        assert_total(json.dumps(frame).encode())


KEYS = (
    "error", "token", "isThinking", "isSoftStop", "responseId", "messageTag", "messageStepId", "modelResponse",
    "cardAttachment", "cardAttachments", "webSearchResults", "xSearchResults", "streamingImageGenerationResponse",
    "streamingVideoGenerationResponse", "cachedImageGenerationResponse", "sideBySideIndex", "userResponse",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), json_values(), min_size=1))
@settings(PATIENT, max_examples=100)
def test_every_key_of_a_frame_may_hold_anything(fields: dict[str, object]) -> None:
    assert_total(json.dumps({"result": {"response": fields}}).encode())


@pytest.mark.parametrize(
    "name",
    [
        "modelResponse",
        "cardAttachment",
        "streamingImageGenerationResponse",
        "streamingVideoGenerationResponse",
        "cachedImageGenerationResponse",
        "error",
    ],
)
@given(st.dictionaries(st.sampled_from(sorted({"code", "message", "error", "streamErrors", "partial", "url",
       "generatedImageUrls", "fileAttachments", "jsonData", "imageUrl", "progress", "moderated", "videoUrl",
       "imageId", "waitTimeSeconds", "usageLimitReached", "cardAttachmentsJson", "image_chunk",
       "imageChunk"})), json_values()))  # fmt: skip
@settings(PATIENT, max_examples=30)
def test_every_field_of_a_part_may_hold_anything(name: str, fields: dict[str, object]) -> None:
    assert_total(json.dumps({"result": {"response": {name: fields}}}).encode())


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
@settings(PATIENT, max_examples=300)
def test_any_bytes_are_a_line(line: bytes) -> None:
    assert_total(line)
    assert_total(b"data:" + line)
    assert_total(b'{"result":{"response":{"token":"' + line + b'"}}}')


DEEP = 200_000


@pytest.mark.parametrize(
    "line",
    [
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"error":' * DEEP + b"1" + b"}" * DEEP,
        b'{"error":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"result":{"response":{"token":"\\ud800","a":' + b"[" * 400 + b"]" * 400 + b"}}}",
        b'{"result":{"response":{"token":"\\ud800","a":' + b"[" * 900 + b"]" * 900 + b"}}}",
        b'{"result":{"response":{"cardAttachment":{"jsonData":"' + b"[" * 5000 + b'"}}}}',
        b'{"error":{"code":8,"waitTimeSeconds":' + b"9" * 400 + b"}}",
        b'{"error":{"code":8,"waitTimeSeconds":Infinity}}',
        b'{"error":{"code":8,"waitTimeSeconds":NaN}}',
        b'{"error":{"code":8,"message":"\\ud800","waitTimeSeconds":' + b"9" * 400 + b"}}",
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"result":{"response":{"streamingVideoGenerationResponse":{"progress":1e400,"a":"\\udc00"}}}}',
        b'{"result":{"response":{"messageTag":["final"],"token":"x"}}}',
        b'{"result":{"response":{"messageTag":{},"token":"x","isThinking":true}}}',
        b'{"result":{"response":{"responseId":[1],"token":"x"}}}',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"\x00",
        b"{}" * 1000 + b"{",
        b"data: data: {}",
    ],
)
def test_hostile_lines_are_refused_or_skipped(line: bytes) -> None:
    assert_total(line)


def test_half_a_character_becomes_the_replacement_character() -> None:
    line = rb'{"result":{"response":{"token":"a\ud83d b\ude00 \ud83d\ude00 \u00e9","isThinking":false}}}'
    assert list(FrameReader().read(line)) == [Text("a\ufffd b\ufffd \U0001f600 é")]


def test_a_wait_that_cannot_be_meant_is_a_week() -> None:
    for number in (b"1e300", b"9" * 300, b"Infinity"):
        with pytest.raises(RateLimited) as caught:
            list(FrameReader().read(b'{"error":{"code":8,"waitTimeSeconds":' + number + b"}}"))
        assert caught.value.wait_s == 7 * 86400


# Long lines


def token_line(size: int) -> bytes:
    """A line of exactly `size` bytes, without its end."""
    frame = orjson.dumps(made.token("a-1", "?"))
    return frame.replace(b"?", b"x" * (size - len(frame) + 1))


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize("piece", [READ_BYTES, 50_000, MAX_LINE_BYTES])
def test_a_line_may_have_8_mib_and_not_a_byte_more(end: bytes, piece: int) -> None:
    for over in (0, 1):
        body = b"\n{}\n" + token_line(MAX_LINE_BYTES + over) + end
        pieces = [body[at : at + piece] for at in range(0, len(body), piece)]
        if over:
            with pytest.raises(UpstreamFailed, match="too long"):
                list(lines_of(pieces))
        else:
            assert [len(line) for line in lines_of(pieces)] == [0, 2, MAX_LINE_BYTES]


def test_lines_together_may_be_longer_than_one_may_be() -> None:
    line = token_line(1024 * 1024) + b"\n"
    assert sum(1 for _ in lines_of([line] * 20)) == 20


@pytest.mark.parametrize("dressing", [(b"", b"\n"), (b"data: ", b"\r\n\r\n"), (b"", b"")])
def test_two_lines_of_4_mb_cost_well_under_a_second(dressing: tuple[bytes, bytes]) -> None:
    before, behind = dressing
    line = token_line(4_000_000 if behind else 3_900_000)
    end = orjson.dumps(GOOD_END)
    body = b"".join(before + part + behind for part in (line, line.replace(b"x", b"y"), end))
    pieces = [body[at : at + 1400] for at in range(0, len(body), 1400)]
    began = time.perf_counter()
    events, error = read(pieces)
    took = time.perf_counter() - began
    assert not error and len(texts(events)) > 7_500_000
    assert took < 0.9


# What frames mean


def test_a_plain_answer_is_its_tokens_and_an_end() -> None:
    _, (events, error) = scenario("plain")
    assert not error
    assert events == [*map(Text, TOKENS), Finish()]


def test_thinking_is_reasoning_with_its_heading() -> None:
    events = list(read_events(frames_of("think", thinking=2, tokens=1)))
    heading = Reasoning("Thinking about your request", heading=True)
    assert events == [heading, Reasoning("t0"), Reasoning(" t1"), Text("w0"), Finish()]


def test_late_thinking_loses_no_answer() -> None:
    _, (events, _) = scenario("late_think")
    kinds = [type(event) for event in events]
    assert texts(events) == "".join(TOKENS)
    assert kinds.index(Text) < len(kinds) - 1 - kinds[::-1].index(Reasoning)


def test_an_answer_of_thinking_alone_ends_well() -> None:
    _, (events, error) = scenario("unclosed_think")
    assert not error and type(events[-1]) is Finish and not texts(events)


def test_a_search_shows_its_results_and_the_citation_before_the_text_that_cites() -> None:
    _, (events, _) = scenario("search")
    assert [event for event in events if isinstance(event, Sources)] == [
        Sources((Source("https://example.org/tides", "Tides", "High water at noon."),)),
        Sources((Source("https://x.com/sailor/status/1900000000000000001", "@sailor", "Spring tide today"),)),
    ]
    cited = events.index(Citation("https://example.org/tides", "Tides"))
    assert "grok:render" in texts(events[cited:]) and "grok:render" not in texts(events[:cited])
    assert not any("tool_usage_card" in e.text for e in events if isinstance(e, Reasoning))


@pytest.mark.parametrize(
    "name", ["repeat_final", "side_by_side", "no_model_response", "token_objects", "both_keys", "junk_lines"]
)
def test_odd_answers_give_their_text_once(name: str) -> None:
    options = options_of(name)
    events, error = outcome_of(frames_of(name, **options))
    expected = "".join(TOKENS) if options else " ".join(f"w{number}" for number in range(20))
    assert (texts(events), error) == (expected, "")


def test_without_tokens_the_answer_is_the_model_responses_message() -> None:
    assert list(read_events(frames_of("message_only", tokens=3))) == [Text("w0 w1 w2"), Finish()]


def test_continued_conversations_send_their_frames_unwrapped() -> None:
    assert list(read_events(frames_of("unwrapped", tokens=3))) == [*map(Text, ("w0", " w1", " w2")), Finish()]


def test_markup_is_not_the_readers_business() -> None:
    assert texts(list(read_events(frames_of("tags")))) == "".join(TAGS)


@pytest.mark.parametrize("text", [" ", "\n", "\t", "0", "<", "\u2028"])
def test_white_space_is_content(text: str) -> None:
    assert answer(made.token("a-1", text)) == [Text(text), Finish()]


@pytest.mark.parametrize("token", ["", None, 7, True, [], ["a"], {"action": "webSearch"}])
def test_what_is_no_text_is_no_token(token: object) -> None:
    assert answer(made.token("a-1", token), made.token("a-1", "x")) == [Text("x"), Finish()]


@pytest.mark.parametrize(
    ("fields", "thinking"),
    [
        ({"isThinking": True}, True),
        ({"isThinking": False}, False),
        ({"isThinking": False, "messageStepId": 1}, False),
        ({"messageStepId": 0}, True),
        ({"messageStepId": 1, "messageTag": "final"}, False),
        ({"messageTag": "summary", "isThinking": True}, True),
        ({"messageTag": "odd", "isThinking": False}, False),
        ({}, False),
    ],
)
def test_thinking_is_marked_by_its_flag_or_in_2025_by_a_step(
    fields: dict[str, object], thinking: bool
) -> None:
    frame = made.result(response={"token": "x", **fields})
    assert answer(frame)[0] == (Reasoning("x") if thinking else Text("x"))


@pytest.mark.parametrize("tag", ["tool_usage_card", "raw_function_result"])
@pytest.mark.parametrize("thinking", [True, False])
def test_tool_calls_and_their_results_are_no_text(tag: str, thinking: bool) -> None:
    frames = (made.token("a-1", "secret", tag=tag, thinking=thinking), made.token("a-1", "x"))
    assert answer(*frames) == [Text("x"), Finish()]


def test_a_heading_is_one_line() -> None:
    heading = made.token("a-1", "\nTwo\r\nlines \u2028", thinking=True, tag="header")
    blank = made.token("a-1", "\n", thinking=True, tag="header")
    assert answer(heading, blank)[:-1] == [Reasoning("Two lines", heading=True)]


def test_a_short_text_may_repeat_itself_and_a_long_one_may_not() -> None:
    short, long = "ha", "a sentence that is longer than forty characters"
    assert texts(answer(made.token("a-1", short), made.token("a-1", short))) == short * 2
    assert (
        texts(answer(made.token("a-1", long), made.token("a-1", long), made.token("a-1", "."))) == long + "."
    )


def test_every_key_of_a_frame_counts() -> None:
    frame = made.token("a-1", "x", soft_stop=True, cardAttachment={"jsonData": made.citation_card("c", "u")})
    assert list(read_events([orjson.dumps(frame)])) == [Citation("u"), Text("x"), Finish()]


@pytest.mark.parametrize("frame", [{"error": None}, {"error": ""}, {"error": {}}, {"error": 0}])
def test_an_empty_error_is_none(frame: dict[str, object]) -> None:
    assert answer(frame, made.result(response={"responseId": "a-1"} | frame), made.token("a-1", "x"))[
        0
    ] == Text("x")


@pytest.mark.parametrize("name", ["eof_mid", "cut_mid", "reset_mid", "stall_mid"])
def test_an_answer_without_an_end_was_cut_off(name: str) -> None:
    events, error = outcome_of(frames_of(name, after=2))
    assert texts(events) == "w0 w1" and error == "UpstreamFailed: Grok's answer was cut off."


@pytest.mark.parametrize(
    "lines",
    [[], [b""], [b"", b" ", b"null"], frames_of("plain", tokens=0)],
    ids=["no body", "a blank line", "no frame", "no token"],
)
def test_an_empty_answer_is_a_failure(lines: list[bytes]) -> None:
    assert outcome_of(lines) == ([], "UpstreamFailed: Grok's answer was empty.")


def test_a_partial_model_response_is_a_cut_answer() -> None:
    frame = made.model_response("a-1", "u-1", "half", "grok-3", "", partial=True)
    assert outcome_of([orjson.dumps(frame)]) == ([], "UpstreamFailed: Grok's answer was cut off.")


@pytest.mark.parametrize("first", [b"<!DOCTYPE html>", b"  <html>", b"data: <html>", b"null\n<html>"])
def test_a_web_page_is_a_challenge(first: bytes) -> None:
    assert outcome_of(first.split(b"\n"))[1].startswith("Challenged: ")


def test_broken_json_is_a_failure_where_it_stands() -> None:
    events, error = scenario("malformed_mid")[1]
    assert texts(events) == " ".join(f"w{number}" for number in range(10)) and "not JSON" in error


# Pictures and videos


def paths(events: list[Event]) -> list[str]:
    return [event.path.rpartition("/")[2] for event in events if isinstance(event, Image | Video)]


@pytest.mark.parametrize(
    ("name", "expected", "moderated"),
    [
        ("images", ["image.jpg"] * 2, 0),
        ("cards", ["image.jpg"] * 2, 0),
        ("cached", ["image.jpg"] * 2, 0),
        ("late_urls", ["image.jpg"] * 2, 0),
        ("placeholder_urls", ["image.jpg"] * 2, 0),
        ("cards_at_end", ["image.jpg"] * 2, 0),
        ("edit", ["image.jpg"], 0),
        ("one_moderated", ["image.jpg"], 1),
        ("one_moderated_unnamed", ["image.jpg"], 1),
        ("one_moderated_preview", ["image.jpg"], 1),
        ("all_moderated", [], 2),
        ("preview_only", [], 0),
        ("video", ["generated_video.mp4"], 0),
        ("video_skip_100", ["generated_video.mp4"], 0),
        ("video_back", ["generated_video.mp4"], 0),
        ("video_no_url", ["generated_video.mp4"], 0),
        ("video_moderated", [], 1),
    ],
)
def test_each_finished_picture_and_video_comes_once(name: str, expected: list[str], moderated: int) -> None:
    events, error = scenario(name)[1]
    assert not error and type(events[-1]) is Finish
    assert paths(events) == expected
    assert len({e.path for e in events if isinstance(e, Image | Video)}) == len(expected)
    assert sum(isinstance(event, Moderated) for event in events) == moderated
    assert not any("-part-" in event.path for event in events if isinstance(event, Image | Video))


@pytest.mark.parametrize(
    ("key", "fields", "expected"),
    [
        ("streamingImage", {"imageUrl": "a/1.jpg", "progress": 100, "moderated": True}, Moderated("image")),
        ("streamingImage", {"imageUrl": "a/1.jpg", "progress": 50, "moderated": True}, Moderated("image")),
        ("streamingImage", {"imageId": "i", "progress": 50, "moderated": True}, Moderated("image")),
        ("streamingImage", {"imageId": "i", "progress": 100}, Moderated("image")),
        ("cachedImage", {"imageUrl": "a/1.jpg", "moderated": True}, Moderated("image")),
        ("streamingVideo", {"progress": 60, "moderated": True}, Moderated("video")),
        ("streamingVideo", {"progress": 100, "moderated": True, "videoUrl": "a.mp4"}, Moderated("video")),
    ],
)
def test_what_was_withheld_is_said_once_and_never_given(
    key: str, fields: dict[str, object], expected: Moderated
) -> None:
    frame = made.result(response={f"{key}GenerationResponse": fields})
    end = made.model_response(
        "a-1",
        "u",
        "",
        "m",
        "",
        generatedImageUrls=["/a/1.jpg"] * ("imageUrl" in fields),
        fileAttachments=["b.mp4"],
    )
    if key != "streamingVideo":
        end["result"]["response"]["modelResponse"]["fileAttachments"] = []
    assert list(read_events(map(orjson.dumps, (frame, frame, end)))) == [expected, Finish()]


@pytest.mark.parametrize("url", ["", "users/U/generated/i-1-part-0/image.jpg"])
@pytest.mark.parametrize(
    "named", ["users/U/generated/i-1/image.jpg", "https://assets.grok.com/users/U/x/i-1/a.jpg?b"]
)
def test_a_withheld_picture_is_known_by_its_id(url: str, named: str) -> None:
    fields = {"imageId": "i-1", "imageUrl": url, "progress": 100, "moderated": True}
    assert answer(made.streaming_image("a-1", fields), pictures_at_the_end(named)) == [
        Moderated("image"),
        Finish(),
    ]


def pictures_at_the_end(*urls: str) -> dict[str, Any]:
    return made.model_response("a-1", "u-1", "", "grok-3", "fast", generatedImageUrls=list(urls))


def test_what_has_an_address_but_no_progress_is_finished() -> None:
    whole, preview = "a/generated/i/image.jpg", "a/generated/i-part-0/image.jpg"
    for url, event in ((whole, Image(whole)), (preview, Progress("image", 0))):
        found = answer(made.streaming_image("a-1", {"imageId": "i", "imageUrl": url}), made.token("a-1", "x"))
        assert found[0] == event


def test_the_pictures_and_videos_of_a_second_answer_are_left_out() -> None:
    second = {"sideBySideIndex": 1, "progress": 100}
    frames = (
        made.streaming_image("a-1", {"imageUrl": "a/1.jpg", **second}),
        made.streaming_image("a-1", {"imageId": "i", "moderated": True, **second}),
        made.streaming_video("a-1", {"videoUrl": "a/1.mp4", **second}),
        made.token("a-1", "x"),
    )
    assert answer(*frames) == [Text("x"), Finish()]


@pytest.mark.parametrize("key", ["image_chunk", "imageChunk"])
@pytest.mark.parametrize("pack", [lambda data: data, lambda data: orjson.dumps(data).decode()])
def test_pictures_come_as_cards_of_many_forms(key: str, pack: Any) -> None:
    card = {"id": "c", key: {"imageUuid": "i", "image_url": "a/1.jpg", "progress": 100}}
    cards = made.response("a-1", cardAttachments=[{"jsonData": pack(card)}, 7])
    assert answer(cards) == [Image("a/1.jpg"), Finish()]
    end = made.model_response("a-1", "u-1", "", "grok-3", "fast", cardAttachmentsJson=[pack(card)])
    assert answer(end) == [Image("a/1.jpg"), Finish()]


def test_a_video_of_which_only_the_id_is_known_lies_with_its_users_files() -> None:
    lines = frames_of("video_id_only")
    (video,) = [event for event in read_events(lines, "U") if isinstance(event, Video)]
    assert video.path.startswith("users/U/generated/") and video.path.endswith("/generated_video.mp4")
    assert not any(isinstance(event, Video) for event in read_events(lines))
    words = made.model_response("a-1", "u-1", "I cannot.", "grok-3", "fast", fileAttachments=["f-1"])
    assert list(read_events([orjson.dumps(words)], "U")) == [Text("I cannot."), Finish()]


def test_a_picture_whose_path_comes_later_is_not_withheld() -> None:
    frame = made.streaming_image("a-1", {"imageId": "i", "progress": 100})
    end = made.model_response("a-1", "u", "", "m", "", generatedImageUrls=["a/1.jpg"])
    assert list(read_events(map(orjson.dumps, (frame, end)))) == [Image("a/1.jpg"), Finish()]


def test_progress_never_says_done_before_the_picture_is_there() -> None:
    preview = {"imageUrl": "a/i-part-0/image.jpg", "progress": 100}
    assert answer(made.streaming_image("a-1", preview), made.token("a-1", "x"))[0] == Progress("image", 99)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("users/u/a.jpg", "users/u/a.jpg"),
        ("/users/u/a.jpg", "users/u/a.jpg"),
        ("https://assets.grok.com/users/u/a.jpg?x=1#y", "users/u/a.jpg"),
        (" //a.jpg ", "a.jpg"),
        ("users/u/a.jpg?x=1#y", "users/u/a.jpg"),
        ("//assets.grok.com/users/u/a.jpg", "users/u/a.jpg"),
        ("https://imagine-public.x.ai/images/a.jpg?x", "https://imagine-public.x.ai/images/a.jpg"),
        ("https://notgrok.com/users/u/a.jpg", "https://notgrok.com/users/u/a.jpg"),
        ("", None),
        ("/", None),
        ("https://assets.grok.com", None),
        ("https://[", None),
        (None, None),
        (["a"], None),
    ],
)
def test_an_asset_has_one_path_however_it_is_named(url: object, path: str | None) -> None:
    assert asset_path(url) == path


@pytest.mark.parametrize(
    ("value", "percent"),
    [(33, 33), ("33", 33), (33.9, 33), (-1, 0), (101, 100), ("x", 0), (None, 0), ([], 0), (True, 1),
     (float("nan"), 0), (float("inf"), 0), (10**400, 0)],
)  # fmt: skip
def test_progress_is_a_whole_percentage(value: object, percent: int) -> None:
    assert percent_of(value) == percent


@pytest.mark.parametrize("pack", [lambda data: data, lambda data: orjson.dumps(data).decode()])
def test_a_citation_card_names_its_page(pack: Any) -> None:
    card = made.citation_card("c", "https://example.org/") | {"title": "Tides"}
    assert citation_of({"jsonData": pack(card)}) == Citation("https://example.org/", "Tides")
    assert citation_of({"jsonData": pack(card | {"cardType": "other"})}) is None
    assert citation_of({"jsonData": pack(card | {"url": ""})}) is None


@pytest.mark.parametrize("card", [None, 1, "x", {}, {"jsonData": "{"}, {"jsonData": "[]"}, {"jsonData": 1}])
def test_other_cards_cite_nothing(card: object) -> None:
    assert citation_of(card) is None
    assert MediaReader().read({"cardAttachment": card}) == []
