"""The simulator's accounts, quotas, files, journal and process."""

from __future__ import annotations

import base64
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.simulator import movie, pictures
from tests.simulator.calls import CHAT, CREATE, LIMITS, UPLOAD, chat, frames, headers, post, text
from tests.simulator.client import Simulator, directive


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def limits(sim: Simulator, sso: str, model: str = "grok-3") -> dict[str, Any]:
    answer: dict[str, Any] = post(sim, LIMITS, {"requestKind": "DEFAULT", "modelName": model}, sso).json()
    return answer


def upload(sim: Simulator, sso: str, content: bytes = b"picture") -> requests.Response:
    packed = base64.b64encode(content).decode()
    return post(sim, UPLOAD, {"fileName": "a.png", "fileMimeType": "image/png", "content": packed}, sso)


def asset(sim: Simulator, path: str, sso: str | None) -> requests.Response:
    cookies = {"Cookie": f"sso={sso}"} if sso else {}
    return requests.get(f"{sim.url}/{path}", headers=cookies, timeout=10)


def generated(sim: Simulator, sso: str, **options: object) -> str:
    last = frames(chat(sim, directive("images", images=1, **options), sso))[-2]
    path: str = last["result"]["response"]["modelResponse"]["generatedImageUrls"][0]
    return path


def test_cookies_and_statsig_are_checked_with_the_right_envelope(sim: Simulator) -> None:
    body = {"message": "[[sim: plain]]", "modelName": "grok-3"}
    for path, wrapped in ((CHAT, True), (LIMITS, False)):
        for cookie, marker in (({}, "no-credentials"), ({"Cookie": "sso=eyJ.x.y"}, "bad-credentials")):
            answer = requests.post(sim.url + path, json=body, headers=cookie, timeout=5)
            error = answer.json()["error"] if wrapped else answer.json()
            assert (answer.status_code, error["code"]) == (401, 16) and marker in error["message"]
    answer = requests.post(sim.url + CHAT, json=body, headers={"Cookie": "sso=sim-basic-ok-1"}, timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, 7)
    assert chat(sim, "[[sim: plain]]", "sim-basic-nonsense-1").status_code == 401


def test_an_account_fails_so_many_times_then_works(sim: Simulator) -> None:
    assert [chat(sim, "[[sim: plain]]", "sim-basic-500-x.times.2").status_code for _ in range(3)] == [
        500,
        500,
        200,
    ]
    sim.add_account("eyJ.a.b", tier="super", behaviour="403_blocked", times=1)
    assert [chat(sim, "[[sim: plain]]", "eyJ.a.b").status_code for _ in range(2)] == [403, 200]


def test_a_prompt_fails_so_many_times_whatever_the_account(sim: Simulator) -> None:
    prompt = directive("500", times=1, tokens=1)
    assert chat(sim, prompt, "sim-basic-ok-a").status_code == 500
    assert text(chat(sim, prompt, "sim-basic-ok-b")) == "w0"


def test_the_account_wins_over_the_prompt_unless_it_is_ok(sim: Simulator) -> None:
    assert chat(sim, "[[sim: 503]]", "sim-basic-401-w").status_code == 401
    assert chat(sim, "[[sim: 503]]", "sim-basic-ok-w").status_code == 503


def test_faults_can_be_aimed_at_other_endpoints(sim: Simulator) -> None:
    sso = "sim-basic-403_cloudflare-u.only.upload"
    assert "Just a moment" in upload(sim, sso).text
    assert chat(sim, "[[sim: plain]]", sso).status_code == 200
    answer = post(sim, LIMITS, {"modelName": "grok-3"}, "sim-basic-401-l.only.all")
    assert (answer.status_code, answer.json()["code"]) == (401, 16)


def test_units_are_taken_and_shown(sim: Simulator) -> None:
    sso = "sim-super-ok-q.quota.12"
    chat(sim, "[[sim: plain]]", sso)
    chat(sim, "[[sim: plain]]", sso, modelMode="MODEL_MODE_EXPERT")
    chat(sim, "[[sim: 500]]", sso)
    shown = limits(sim, sso)
    assert (shown["remainingTokens"], shown["totalTokens"], shown["windowSizeSeconds"]) == (7, 12, 72000)
    assert shown["highEffortRateLimits"] == {"cost": 4, "waitTimeSeconds": 0, "remainingQueries": 1}
    chat(sim, "[[sim: images]]", sso)
    assert chat(sim, "[[sim: images]]", sso).status_code == 429
    chat(sim, "[[sim: eof_mid]]", sso)
    assert limits(sim, sso)["remainingTokens"] == 2
    assert chat(sim, "[[sim: plain]]", sso, modelName="grok-4-heavy").status_code == 200
    assert limits(sim, sso, "grok-4-heavy")["remainingQueries"] == 19


def test_an_exhausted_account_shows_zero_and_a_wait(sim: Simulator) -> None:
    sso = "sim-basic-429_exhausted-e"
    shown = limits(sim, sso)
    assert shown["remainingTokens"] == 0 and shown["waitTimeSeconds"] > 0
    assert chat(sim, "[[sim: plain]]", sso).status_code == 429
    other = limits(sim, "sim-basic-ok-s.shape.queries")
    assert other["remainingQueries"] == 80 and other["lowEffortRateLimits"] is None
    assert "remainingTokens" not in other


def test_a_window_restarts_after_its_end(sim: Simulator) -> None:
    sim.add_account("eyJ.w.w", quota=1, window_s=0.3)
    assert [chat(sim, "[[sim: plain]]", "eyJ.w.w").status_code for _ in range(2)] == [200, 429]
    time.sleep(0.35)
    assert chat(sim, "[[sim: plain]]", "eyJ.w.w").status_code == 200


def test_files_belong_to_the_account_that_uploaded_them(sim: Simulator) -> None:
    mine, other = "sim-basic-ok-mine", "sim-basic-ok-other"
    stored = upload(sim, mine).json()
    file, uri = stored["fileMetadataId"], stored["fileUri"]
    assert chat(sim, "[[sim: plain]]", mine, fileAttachments=[file]).status_code == 200
    assert chat(sim, "[[sim: plain]]", other, fileAttachments=[file]).status_code == 400
    body = {"media_url": f"https://assets.grok.com/{uri}", "media_type": "MEDIA_POST_TYPE_IMAGE"}
    made = post(sim, CREATE, body, mine).json()["post"]
    assert uuid.UUID(made["id"]) and post(sim, CREATE, body, other).status_code == 403
    video = f"https://grok.com/imagine/{made['id']}  zoom --mode=custom"
    assert chat(sim, f"{video} [[sim: video]]", mine).status_code == 200
    assert chat(sim, f"{video} [[sim: video]]", other).status_code == 400
    assert asset(sim, uri, mine).content == b"picture"


def test_bad_uploads_are_refused(sim: Simulator) -> None:
    body = {"fileName": "a", "fileMimeType": "image/png", "content": "data:image/png;base64,xx"}
    answer = post(sim, UPLOAD, body, "sim-basic-ok-1")
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    sim.defaults(upload_limit_bytes=100)
    assert upload(sim, "sim-basic-ok-1", b"x" * 101).status_code == 413
    sim.defaults(upload_limit_bytes=20 * 1024 * 1024)


def test_pictures_need_the_cookie_of_their_owner(sim: Simulator) -> None:
    path = generated(sim, "sim-basic-ok-o")
    answer = asset(sim, path, "sim-basic-ok-o")
    assert answer.headers["content-type"] == "image/jpeg" and answer.content[:3] == b"\xff\xd8\xff"
    assert [asset(sim, path, sso).status_code for sso in (None, "sim-basic-ok-p", "junk")] == [403] * 3
    assert asset(sim, path + "x", "sim-basic-ok-o").status_code == 404


def test_assets_misbehave_as_told(sim: Simulator) -> None:
    def read(behaviour: str) -> requests.Response:
        return asset(
            sim, generated(sim, "sim-basic-ok-m.quota.999", asset=behaviour), "sim-basic-ok-m.quota.999"
        )

    path = generated(sim, "sim-basic-ok-m.quota.999", asset="403_then_200")
    assert [asset(sim, path, "sim-basic-ok-m.quota.999").status_code for _ in range(2)] == [403, 200]
    assert read("html_200").content.startswith(b"<!DOCTYPE")
    assert read("500").status_code == 500
    assert read("redirect").history[0].status_code == 302
    assert read("octet").headers["content-type"] == "application/octet-stream"
    assert not read("wrong_length").content.endswith(b"\xff\xd9")
    with pytest.raises(requests.RequestException):
        read("truncated")


def test_made_files_differ_and_have_their_signatures() -> None:
    assert pictures.jpeg("a") != pictures.jpeg("b") and pictures.jpeg("a").endswith(b"\xff\xd9")
    assert pictures.png("a").startswith(b"\x89PNG") and movie.mp4("a")[4:8] == b"ftyp"


def test_the_journal_tells_what_was_received(sim: Simulator) -> None:
    sso = "sim-basic-ok-journal"
    chat(sim, "[[sim: plain]]", sso, message2="x" * 100_000)
    record = sim.chats(sso)[-1]
    assert (record["status"], record["ended"], record["scenario"]) == (200, "complete", "plain")
    assert record["cookies"] == {"sso": sso, "sso-rw": sso} and record["headers"]["X-Statsig-Id"]
    assert record["body"]["message"] == "[[sim: plain]]" and record["body_truncated"]
    assert record["body_bytes"] > 100_000 and record["flags"] == []
    requests.post(sim.url + CHAT, json={}, headers=headers(sso) | {"x-xai-request-id": "no"}, timeout=5)
    assert (sim.chats(sso)[-1]["status"], sim.chats(sso)[-1]["flags"]) == (400, ["bad_request_id"])


def test_reset_forgets_and_a_default_directive_is_obeyed(sim: Simulator) -> None:
    sim.reset()
    assert sim.accounts() == {} and sim.requests() == [] and sim.streams()["opened"] == 0
    sim.defaults(directive="plain tokens=2")
    assert text(chat(sim, "hello")) == "w0 w1"
    assert sim.streams()["completed"] == 1 and sim.streams()["open"] == 0
    sim.reset()


def test_the_process_stops_at_once_and_refuses_a_taken_port(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.json"
    accounts.write_text('{"accounts": [{"sso": "eyJ.f.f", "tier": "super"}]}')
    running = Simulator("--accounts", str(accounts))
    assert running.accounts()["eyJ.f.f"]["tier"] == "super"
    command = [sys.executable, "-m", "tests.simulator", "--port", str(running.port)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=10)
    assert second.returncode == 1 and second.stdout == ""
    assert len(second.stderr.splitlines()) == 1 and "in use" in second.stderr
    with socket.create_connection(("127.0.0.1", running.port)):
        started = time.monotonic()
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(5) == 0 and time.monotonic() - started < 1
    running.stop()
