"""Pictures and videos: made, looked at, cached, served, fetched again."""

from __future__ import annotations

import base64
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
import requests

from tests.full import only_full
from tests.gateway import Gateway, events, text_of
from tests.simulator.client import Simulator, directive
from tests.simulator.pictures import png

PICTURE = "data:image/png;base64," + base64.b64encode(png("test")).decode()
LINK = re.compile(r"!\[Generated Image\]\(([^)]+)\)")
ASSETS = "/users/"


@pytest.fixture(autouse=True)
def empty_cache(gateway: Gateway) -> Iterator[None]:
    gateway.admin("/api/cache/clear", {})
    yield


def links(text: str) -> list[str]:
    return LINK.findall(text)


def picture(url: str = PICTURE, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def ask(gateway: Gateway, *parts: Any, model: str = "grok-4.1", **more: Any) -> requests.Response:
    content = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
    body = {"model": model, "messages": [{"role": "user", "content": content}], **more}
    return gateway.post("/v1/chat/completions", body)


def downloads(simulator: Simulator) -> int:
    return len(simulator.requests(path=ASSETS))


# --- answers ---


@pytest.mark.parametrize(
    "scenario", ["images", "cards", "cards_at_end", "cached", "late_urls", "placeholder_urls"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_two_pictures_are_links_that_work(gateway: Gateway, scenario: str, stream: bool) -> None:
    response = gateway.chat(directive(scenario), stream=stream)
    assert response.status_code == 200
    if stream:
        found = events(response)
        assert found[-1] == "[DONE]" and found.count("[DONE]") == 1
        text = text_of(found)
    else:
        text = response.json()["choices"][0]["message"]["content"]
    urls = links(text)
    assert len(set(urls)) == 2 and "-part-" not in text
    for url in urls:
        assert url.startswith(f"{gateway.url}/images/users/")
        served = requests.get(url, timeout=30)
        assert (served.status_code, served.headers["Content-Type"]) == (200, "image/jpeg")
        assert served.content.startswith(b"\xff\xd8\xff") and served.content.endswith(b"\xff\xd9")
    if scenario == "images":
        assert text.startswith("<think>\nimage: 50%") and "I generated images" in text


def test_pictures_may_stand_in_the_answer_itself(gateway: Gateway) -> None:
    gateway.set_settings(image_mode="base64")
    (first, _) = links(gateway.answer(directive("images")))
    assert base64.b64decode(first.removeprefix("data:image/jpeg;base64,")).startswith(b"\xff\xd8\xff")


def test_links_have_the_public_address_when_it_is_set(gateway: Gateway) -> None:
    gateway.set_settings(base_url="https://grok.example/v1/")
    assert links(gateway.answer(directive("images")))[0].startswith("https://grok.example/images/users/")


def test_one_withheld_picture_leaves_the_other_and_two_are_an_error(gateway: Gateway) -> None:
    assert len(links(gateway.answer(directive("one_moderated")))) == 1
    refused = gateway.chat(directive("all_moderated"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "content_policy_violation")
    found = events(gateway.chat(directive("all_moderated"), stream=True))
    assert found[-1]["error"]["code"] == "content_policy_violation"


@pytest.mark.parametrize("form", ["one_moderated_unnamed", "one_moderated_preview"])
def test_a_withheld_picture_is_not_given_however_it_was_named(gateway: Gateway, form: str) -> None:
    assert len(links(gateway.answer(directive(form)))) == 1
    body = {"prompt": directive(form), "n": 2}
    urls = [image["url"] for image in gateway.post("/v1/images/generations", body).json()["data"]]
    assert len(set(urls)) == 2  # of two calls, for each made one


def test_names_that_are_no_paths_cost_only_what_they_name(gateway: Gateway, simulator: Simulator) -> None:
    urls = links(gateway.answer(directive("odd_names")))
    assert len(urls) == 2 and all(requests.get(url, timeout=30).ok for url in urls)
    assert "imagine-public.x.ai" in gateway.log() and downloads(simulator) == 2


def test_previews_are_no_pictures(gateway: Gateway) -> None:
    failed = gateway.chat(directive("preview_only"))
    assert failed.status_code == 502 and "did not finish" in failed.json()["error"]["message"]


def test_pictures_cost_four(gateway: Gateway, simulator: Simulator) -> None:
    gateway.admin("/api/tokens/refresh", {"tokens": [f"sim-basic-ok-{n}" for n in range(4)]})
    before = gateway.sql("SELECT sum(remaining) FROM account_quotas WHERE pool = 'default'")[0][0]
    gateway.answer(directive("images"))
    assert gateway.sql("SELECT sum(remaining) FROM account_quotas WHERE pool = 'default'") == [(before - 4,)]


def quota_of_all(gateway: Gateway) -> int:
    left: int = gateway.sql("SELECT sum(remaining) FROM account_quotas WHERE pool = 'default'")[0][0]
    return left


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"model": "grok-4.1", "stream": True}),
        ("/v1/images/generations", {}),
    ],
)
def test_pictures_cost_four_from_their_first_preview_on(
    gateway: Gateway, simulator: Simulator, path: str, body: dict[str, Any]
) -> None:
    gateway.admin("/api/tokens/refresh", {"tokens": [f"sim-basic-ok-{n}" for n in range(4)]})
    before = quota_of_all(gateway)
    failing = directive("preview_only")
    failed = gateway.post(
        path, body | {"prompt": failing, "messages": [{"role": "user", "content": failing}]}
    )
    assert "did not finish" in failed.text
    assert quota_of_all(gateway) == before - 4
    held = directive("images", delay=0.4)
    data = orjson.dumps(body | {"prompt": held, "messages": [{"role": "user", "content": held}]})
    sent = simulator.streams()["frames_sent"]
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n".encode()
            + f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        simulator.wait_until(
            lambda: simulator.streams()["frames_sent"] >= sent + 8
        )  # seven before any preview
        time.sleep(0.1)
    simulator.wait_until(lambda: gateway.sql("SELECT count(*) FROM leases") == [(0,)])
    assert quota_of_all(gateway) == before - 8


def test_text_and_a_quick_picture_do_not_wait_for_a_slow_one(gateway: Gateway) -> None:
    times: list[tuple[str, float]] = []
    began = time.monotonic()
    response = gateway.chat(directive("images", asset="slow", images=4), stream=True)
    for line in response.iter_lines():
        times += [
            (word, time.monotonic() - began)
            for word in ("I generated", "![Gen", "[DONE]")
            if word in line.decode()
        ]
    seen = dict(reversed(times))
    assert seen["I generated"] < 2.0 < seen["![Gen"]  # each file takes three seconds
    assert max(at for _, at in times) < 7.0 and sum(word == "![Gen" for word, _ in times) == 4


def test_responses_have_pictures_too(gateway: Gateway) -> None:
    body = {"model": "grok-4.1", "input": directive("images")}
    output = gateway.post("/v1/responses", body).json()["output"]
    assert len(links(output[-1]["content"][0]["text"])) == 2


# --- pictures in questions ---


def test_pictures_go_up_with_the_leased_account(gateway: Gateway, simulator: Simulator) -> None:
    history: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "old"}, picture()]},
        {"role": "assistant", "content": "seen"},
        {"role": "user", "content": ["compare", picture(), picture(detail="low")]},
    ]
    history[2]["content"][0] = {"type": "text", "text": "compare"}
    answer = gateway.post("/v1/chat/completions", {"model": "grok-4.1", "messages": history})
    assert answer.status_code == 200, answer.text
    uploads = simulator.requests(path="/rest/app-chat/upload-file")
    (chat,) = simulator.chats()
    assert len(uploads) == 2 and {upload["sso"] for upload in uploads} == {chat["sso"]}
    assert {upload["body"]["fileMimeType"] for upload in uploads} == {"image/png"}
    assert len(chat["body"]["fileAttachments"]) == 2
    assert chat["body"]["message"] == (
        "[user]\nold\n[image]\n\n[assistant]\nseen\n\n[user]\ncompare\n[image 1]\n[image 2]"
    )


def test_a_picture_without_words_is_a_question(gateway: Gateway, simulator: Simulator) -> None:
    assert ask(gateway, picture()).status_code == 200
    assert simulator.chats()[0]["body"]["message"] == "[image 1]"


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("data:image/png;base64,AAAA", 400),
        ("data:image/png;base64,%%%", 400),
        ("http://127.0.0.1:1/a.png", 400),
        ("http://169.254.169.254/latest", 400),
        ("http://localhost/a.png", 400),
    ],
)
def test_a_bad_picture_is_named_before_an_account_is_taken(
    gateway: Gateway, simulator: Simulator, url: str, status: int
) -> None:
    refused = ask(gateway, "what is it", picture(), picture(url))
    error = refused.json()["error"]
    assert (refused.status_code, error["param"]) == (status, "messages[0].content[2].image_url.url")
    assert not simulator.requests(path="/rest/app-chat")


def test_an_upload_that_fails_is_made_again_with_another_account(
    gateway: Gateway, simulator: Simulator
) -> None:
    gateway.set_accounts(["sim-basic-500-u.only.upload", "sim-basic-ok-u"])
    for _ in range(2):
        assert ask(gateway, "what is it", picture()).status_code == 200
    gateway.set_accounts(["sim-basic-500-v.only.upload"])
    failed = ask(gateway, "what is it", picture())
    error = failed.json()["error"]
    assert (failed.status_code, error["param"]) == (502, "messages[0].content[1].image_url.url")
    assert "messages[0].content[1].image_url.url" in error["message"]


def test_an_upload_that_is_refused_names_the_picture(gateway: Gateway, simulator: Simulator) -> None:
    simulator.defaults(upload_limit_bytes=10)
    refused = ask(gateway, "what is it", picture())
    simulator.defaults(upload_limit_bytes=20 * 1024 * 1024)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "messages[0].content[1].image_url.url"


# --- video ---


@pytest.mark.parametrize(
    "scenario", ["video", "video_skip_100", "video_back", "video_no_url", "video_id_only"]
)
def test_a_picture_becomes_a_video(gateway: Gateway, simulator: Simulator, scenario: str) -> None:
    answer = ask(gateway, f"slow zoom {directive(scenario)}", picture(), model="grok-imagine-0.9")
    text = answer.json()["choices"][0]["message"]["content"]
    match = re.fullmatch(
        r'<think>\nvideo: .*</think>\n<video src="([^"]+)" controls="controls"></video>', text, re.DOTALL
    )
    assert match is not None, text
    served = requests.get(match[1], timeout=30)
    assert (served.status_code, served.headers["Content-Type"]) == (200, "video/mp4")
    (chat,) = simulator.chats()
    assert re.fullmatch(
        r"https://grok\.com/imagine/[0-9a-f-]{36}  slow zoom .* --mode=custom", chat["body"]["message"]
    )
    assert chat["body"]["toolOverrides"] == {"videoGen": True}
    assert chat["headers"]["Referer"].startswith("https://grok.com/imagine/")


def test_a_video_is_made_without_a_post_when_there_is_none(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_accounts(["sim-basic-500-p.only.create"])
    answer = ask(gateway, "slow zoom", picture(), model="grok-imagine-0.9")
    assert "<video src=" in answer.json()["choices"][0]["message"]["content"], answer.text
    assert simulator.chats()[0]["body"]["message"].startswith("https://assets.grok.com/post/users/")


def test_a_withheld_video_is_an_error(gateway: Gateway) -> None:
    refused = ask(gateway, directive("video_moderated"), picture(), model="grok-imagine-0.9")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "content_policy_violation")


def test_a_video_takes_one_picture_and_words(gateway: Gateway, simulator: Simulator) -> None:
    several = ask(gateway, "zoom", picture(), picture(), model="grok-imagine-0.9")
    assert (several.status_code, several.json()["error"]["param"]) == (
        400,
        "messages[0].content[2].image_url.url",
    )
    assert ask(gateway, picture(), model="grok-imagine-0.9").status_code == 400
    assert not simulator.chats()


def test_words_alone_become_pictures(gateway: Gateway, simulator: Simulator) -> None:
    answer = ask(gateway, "a sea otter", model="grok-imagine-0.9")
    assert len(links(answer.json()["choices"][0]["message"]["content"])) == 2
    (chat,) = simulator.chats()
    assert chat["body"]["message"] == "Generate an image: a sea otter"
    assert chat["body"]["toolOverrides"] == {"imageGen": True}


# --- the images endpoints ---


@pytest.mark.parametrize(("n", "calls"), [(1, 1), (2, 1), (3, 2), (10, 5)])
def test_as_many_pictures_as_asked_for(gateway: Gateway, simulator: Simulator, n: int, calls: int) -> None:
    answer = gateway.post("/v1/images/generations", {"prompt": "a sea otter", "n": n})
    data = answer.json()["data"]
    assert len({image["url"] for image in data}) == n and len(simulator.chats()) == calls
    assert requests.get(data[0]["url"], timeout=30).ok


def test_whole_pictures(gateway: Gateway) -> None:
    for body in ({"response_format": "b64_json"}, {"model": "gpt-image-1"}):
        answer = gateway.post(
            "/v1/images/generations", {"prompt": "a sea otter", "size": "1024x1024", **body}
        )
        assert answer.headers["X-Ignored-Params"] == "size"
        (image,) = answer.json()["data"]
        assert base64.b64decode(image["b64_json"]).startswith(b"\xff\xd8\xff")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x", "n": 11}, "n"),
        ({"prompt": "x", "n": 0}, "n"),
        ({"prompt": "x", "stream": True}, "stream"),
        ({"prompt": "x", "response_format": "png"}, "response_format"),
        ({"prompt": "x", "size": "big"}, "size"),
        ({"prompt": "x", "model": "nope"}, "model"),
    ],
)
def test_what_cannot_be_made_is_refused(gateway: Gateway, body: dict[str, Any], param: str) -> None:
    refused = gateway.post("/v1/images/generations", body)
    assert refused.status_code in (400, 404) and refused.json()["error"]["param"] == param


def test_words_instead_of_a_picture_are_an_error(gateway: Gateway) -> None:
    failed = gateway.post("/v1/images/generations", {"prompt": directive("plain")})
    assert (failed.status_code, failed.json()["error"]["code"]) == (502, "no_media")


def test_edits_are_a_form(gateway: Gateway, simulator: Simulator) -> None:
    files = [("image[]", ("a.jpg", png("a"), "text/plain")), ("image[]", ("b.png", png("b"), "image/png"))]
    answer = requests.post(
        f"{gateway.url}/v1/images/edits", data={"prompt": "add a hat", "n": "3"}, files=files, timeout=60
    )
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["data"]) == 3
    chats = simulator.chats()
    assert {len(chat["body"]["fileAttachments"]) for chat in chats} == {2}
    assert len(chats) == 3  # an edit gives one
    missing = requests.post(
        f"{gateway.url}/v1/images/edits", data={"prompt": "x"}, files={"mask": b"x"}, timeout=60
    )
    assert (missing.status_code, missing.json()["error"]["param"]) == (400, "image")
    json = gateway.post("/v1/images/edits", {"prompt": "x"})
    assert json.status_code == 415 and "multipart/form-data" in json.json()["error"]["message"]
    bad = requests.post(
        f"{gateway.url}/v1/images/edits", data={"prompt": "x"}, files={"image": b"no picture"}, timeout=60
    )
    assert (bad.status_code, bad.json()["error"]["param"]) == (400, "image[0]")


def test_forms_may_number_their_pictures_and_not_have_parts_without_end(
    gateway: Gateway, simulator: Simulator
) -> None:
    url = f"{gateway.url}/v1/images/edits"
    files = {f"image[{number}]": png(str(number)) for number in range(2)}
    answer = requests.post(url, data={"prompt": "add a hat"}, files=files, timeout=60)
    assert answer.status_code == 200, answer.text
    (chat,) = simulator.chats()
    assert len(chat["body"]["fileAttachments"]) == 2
    many = requests.post(url, data={f"k{number}": "v" for number in range(1001)}, files=files, timeout=60)
    assert many.status_code == 400 and "more than 1000 parts" in many.json()["error"]["message"]


def test_one_file_that_cannot_be_read_leaves_the_other(gateway: Gateway) -> None:
    body = {"prompt": directive("one_unreadable"), "n": 2, "response_format": "b64_json"}
    assert len(gateway.post("/v1/images/generations", body).json()["data"]) == 1
    gateway.set_settings(image_mode="base64")
    answer = gateway.answer(directive("one_unreadable"))
    assert len(links(answer)) == 1 and "I generated" in answer


# --- serving ---


def test_ranges_validators_and_headers(gateway: Gateway) -> None:
    url = links(gateway.answer(directive("images")))[0]
    whole = requests.get(url, timeout=30)
    assert whole.headers["Content-Security-Policy"] == "sandbox"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age" in whole.headers["Cache-Control"] and whole.headers["Last-Modified"]
    assert "Cookie" not in whole.headers.get("Vary", "")
    part = requests.get(url, headers={"Range": "bytes=10-19"}, timeout=30)
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole.content)}"
    assert requests.get(url, headers={"Range": f"bytes={len(whole.content)}-"}, timeout=30).status_code == 416
    several = requests.get(url, headers={"Range": "bytes=0-9,1000-1009"}, timeout=30)
    assert several.headers["Content-Type"].startswith("multipart/byteranges")
    same = requests.get(url, headers={"If-None-Match": whole.headers["ETag"]}, timeout=30)
    assert (same.status_code, same.content) == (304, b"")
    head = requests.head(url, timeout=30)
    assert head.headers["Content-Length"] == str(len(whole.content)) and not head.content


@pytest.mark.parametrize(
    "path",
    ["users/a/generated/b/image.jpg", "../grok2api.db", "..%2f..%2fgrok2api.db", "users/a/f/content", "x", "", "%00/a",
     "image/users@a@b.jpg", "//etc/passwd", "users/a/../../etc/passwd"],
)  # fmt: skip
def test_nothing_else_is_served_or_asked_for(gateway: Gateway, simulator: Simulator, path: str) -> None:
    assert gateway.session.get(f"{gateway.url}/images/{path}").status_code == 404
    assert not downloads(simulator)


def test_nobodys_uploads_are_served(gateway: Gateway, simulator: Simulator) -> None:
    ask(gateway, "what is it", picture())
    account = next(a for a in simulator.accounts().values() if a["files"])
    path = f"users/{account['user_id']}/{account['files'][0]}/content"
    assert gateway.session.get(f"{gateway.url}/images/{path}").status_code == 404


def test_an_evicted_file_is_fetched_once_however_many_ask(gateway: Gateway, simulator: Simulator) -> None:
    url = links(gateway.answer(directive("images", asset="slow")))[0]
    gateway.admin("/api/cache/clear", {})
    before = downloads(simulator)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: requests.get(url, timeout=60), range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert downloads(simulator) == before + 1


def test_a_file_whose_account_is_gone_is_lost(gateway: Gateway) -> None:
    url = links(gateway.answer(directive("images")))[0]
    gateway.set_accounts(["sim-basic-ok-9"])
    assert requests.get(url, timeout=30).status_code == 200  # from the cache
    gateway.admin("/api/cache/clear", {})
    lost = requests.get(url, timeout=30)
    assert (lost.status_code, lost.json()["error"]["code"]) == (404, "media_lost")


@pytest.mark.parametrize(
    "fault",
    ["403_then_200", "404_then_200", "500_then_200", "truncated_then_200", "reset_then_200", "html_then_200"],
)
def test_a_file_that_is_not_ready_yet_is_asked_for_again(gateway: Gateway, fault: str) -> None:
    url = links(gateway.answer(directive("images", asset=fault)))[0]
    assert requests.get(url, timeout=30).content.endswith(b"\xff\xd9")


@pytest.mark.parametrize("fault", ["redirect", "slow", "octet"])
def test_odd_ways_to_send_a_file_are_all_right(gateway: Gateway, fault: str) -> None:
    url = links(gateway.answer(directive("images", asset=fault)))[0]
    assert requests.get(url, timeout=30).headers["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize("fault", ["403", "404"])
def test_files_that_upstream_does_not_give_are_an_error(gateway: Gateway, fault: str) -> None:
    failed = gateway.chat(directive("images", asset=fault))
    assert (failed.status_code, failed.json()["error"]["code"]) == (502, "no_media")


@pytest.mark.parametrize(
    "fault",
    [
        "500",
        "truncated",
        only_full("wrong_length"),
        "empty",
        "html_200",
        only_full("json_200"),
        only_full("reset"),
    ],
)
def test_broken_files_are_never_served(gateway: Gateway, fault: str) -> None:
    url = links(gateway.answer(directive("images", asset=fault)))[0]
    failed = requests.get(url, timeout=30)
    assert failed.status_code == 502 and failed.json()["error"]["type"] == "server_error"
    assert gateway.get_admin("/api/cache/size")["data"]["total_size_bytes"] == 0


def test_signed_links_expire(gateway: Gateway) -> None:
    gateway.set_settings(signed_media=True)
    url = links(gateway.answer(directive("images")))[0]
    assert requests.get(url, timeout=30).headers["Cache-Control"].startswith("private, max-age=")
    refused = requests.get(url.partition("?")[0], timeout=30)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "link_expired")


def test_without_room_files_are_passed_through(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_settings(image_cache_max_size_mb=0)
    url = links(gateway.answer(directive("images")))[0]
    before = downloads(simulator)
    for _ in range(2):
        answer = requests.get(url, timeout=30)
        assert answer.content.endswith(b"\xff\xd9") and answer.headers["Content-Type"] == "image/jpeg"
    assert downloads(simulator) == before + 2
    gateway.set_settings(image_mode="base64")
    assert links(gateway.answer(directive("images")))[0].startswith("data:image/jpeg;base64,")


# --- the operator's side ---


def test_sizes_clearing_and_the_gallery(gateway: Gateway) -> None:
    urls = links(gateway.answer(directive("images")))
    bytes_ = sum(len(requests.get(url, timeout=30).content) for url in urls)
    size = gateway.get_admin("/api/cache/size")["data"]
    assert size["image_size_bytes"] == size["total_size_bytes"] == bytes_ and size["video_size"] == "0 B"
    page = gateway.get_admin("/api/cache/media?page_size=2&kind=image")
    assert {row["url"] for row in page["data"]} == set(urls) and page["total"] >= 2
    assert all(
        row["size_bytes"] and abs(row["created_time"] / 1000 - time.time()) < 60 for row in page["data"]
    )
    assert gateway.admin("/api/cache/clear/videos", {})["deleted_count"] == 0
    assert gateway.admin("/api/cache/clear/images", {})["deleted_count"] == 2
    assert gateway.get_admin("/api/cache/size")["data"]["total_size_bytes"] == 0
    assert requests.get(urls[0], timeout=30).status_code == 200
