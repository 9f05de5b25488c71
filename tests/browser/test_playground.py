"""The playground: streams, thinking, pictures, video, and snippets that work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser.pages import Console
from tests.simulator.client import directive, script
from tests.simulator.pictures import png

#: Of the conversation, however late its pictures have come.
AT_THE_END = """() => {
    const {scrollHeight, scrollTop, clientHeight} = document.querySelector("#turns");
    return scrollHeight > clientHeight && scrollHeight - scrollTop - clientHeight < 3;
}"""


def ask(console: Console, text: str) -> Locator:
    """Send a message; the turn that answers it, when it is complete."""
    page = console.page
    page.get_by_label("Message").fill(text)
    console.button("Send").click()
    expect(console.button("Send")).to_be_enabled()
    return page.locator(".turn.assistant").last


def test_an_answer_streams_with_its_thinking_folded(console: Console, shots: Path) -> None:
    console.open("playground")
    page = console.page
    page.get_by_label("Message").fill(directive("plain", thinking=20, tokens=40, delay=0.05))
    page.get_by_label("Message").press("Enter")
    answer = page.locator(".turn.assistant .answer")
    expect(answer).not_to_be_empty()
    assert "waiting" in (answer.get_attribute("class") or "")  # its end is still to come
    expect(page.locator(".thinking summary")).to_be_visible()
    assert not page.locator(".thinking div").is_visible()
    expect(console.button("Send")).to_be_enabled()
    page.locator(".thinking summary").click()
    expect(page.locator(".thinking div")).not_to_be_empty()
    assert "think>" not in page.locator(".turn.assistant").inner_text()
    page.screenshot(path=shots / "playground-answer.png")


def test_thinking_beside_the_answer_is_folded_as_well(console: Console) -> None:
    console.gateway.set_settings(thinking_format="reasoning_content")
    console.open("playground")
    turn = ask(console, directive("plain", thinking=5))
    expect(turn.locator(".thinking summary")).to_be_visible()


def test_it_can_be_stopped_which_frees_the_account(console: Console) -> None:
    console.open("playground")
    page = console.page
    page.get_by_label("Message").fill(directive("plain", tokens=500, delay=0.1))
    console.button("Send").click()
    expect(page.locator(".answer")).not_to_be_empty()
    console.button("Stop").click()
    expect(page.locator(".turn.assistant")).to_contain_text("Stopped.")
    page.wait_for_timeout(500)
    accounts = console.gateway.get_admin("/api/tokens")["data"]
    assert sum(account["in_flight"] for account in accounts) == 0


def test_pictures_and_video_are_shown(console: Console, tmp_path: Path, shots: Path) -> None:
    console.open("playground")
    page = console.page
    turn = ask(console, directive("images"))
    expect(turn.locator("img")).to_have_count(2)
    for picture in turn.locator("img").all():
        page.wait_for_function(
            "image => image.complete && image.naturalWidth > 0", arg=picture.element_handle()
        )
    page.wait_for_function(AT_THE_END)
    page.screenshot(path=shots / "playground-pictures.png")
    page.get_by_label("Model").select_option("grok-imagine-0.9")
    (tmp_path / "start.png").write_bytes(png("start"))
    page.locator("#picture").set_input_files(tmp_path / "start.png")
    expect(page.locator("#attached img")).to_have_count(1)
    turn = ask(console, "slow zoom")
    video = turn.locator("video")
    page.wait_for_function("video => video.readyState >= 1 && video.duration > 0", arg=video.element_handle())
    console.open("media")
    expect(page.locator("#gallery li")).to_have_count(3)
    page.screenshot(path=shots / "media-gallery.png", full_page=True)


def test_an_answer_cannot_be_taken_for_markup(console: Console) -> None:
    console.open("playground")
    evil = (
        "<img src=x onerror=window.hit=1> <script>window.hit=1</script> [x](javascript:window.hit=1) **bold**"
    )
    turn = ask(console, script([["line", token(evil)], ["line", token("", last=True)]]))
    expect(turn.locator("strong")).to_have_text("bold")
    assert turn.locator("img, script, a").count() == 0
    assert console.page.evaluate("window.hit") is None


def token(text: str, last: bool = False) -> dict[str, object]:
    return {"result": {"response": {"token": text, "isThinking": False, "isSoftStop": last}}}


def test_a_failure_is_told_in_words(console: Console) -> None:
    console.gateway.set_accounts([])
    console.open("playground")
    turn = ask(console, "Hello")
    expect(turn.get_by_role("alert")).to_have_text(
        "There is no account that could answer. Add one under Tokens."
    )


def test_a_limit_of_one_account_is_not_told_as_that_of_all(console: Console) -> None:
    limited = {"error": {"code": 8, "message": "Too many requests", "details": []}}
    console.open("playground")
    turn = ask(console, script([["line", token("It ")], ["line", limited]]))
    expect(turn.get_by_role("alert")).to_have_text("Grok's rate limit was reached.")


def test_what_is_copied_is_whole_and_of_the_model_that_is_chosen(console: Console, tmp_path: Path) -> None:
    console.open("playground")
    page = console.page
    expect(page.get_by_text("No key is needed while")).to_be_visible()
    ask(console, "Hello")
    page.get_by_label("Model").select_option("grok-3-fast")
    expect(page.locator("#snippet")).to_contain_text('"model": "grok-3-fast"')
    (tmp_path / "large.png").write_bytes(png("start") + bytes(200_000))
    page.locator("#picture").set_input_files(tmp_path / "large.png")
    expect(page.locator("#snippet")).to_contain_text("…")
    page.locator("#copy-snippet").click()
    console.told("Copied.")
    curl = page.evaluate("navigator.clipboard.readText()")
    assert len(curl) > 200_000 > 5000 > len(page.locator("#snippet").inner_text())
    done = subprocess.run(["bash"], input=curl, capture_output=True, text=True, timeout=60)
    assert done.stdout.rstrip().endswith("data: [DONE]"), done.stderr


def test_the_snippets_do_what_the_page_does(console: Console) -> None:
    console.open("playground")
    page = console.page
    page.get_by_label("Message").fill('It\'s "quoted" $HOME `x` \\ end')
    curl = page.locator("#snippet").inner_text()
    done = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, timeout=60)
    assert done.stdout.rstrip().endswith("data: [DONE]"), done
    page.get_by_label("Stream").uncheck()
    console.button("Python").click()
    python = page.locator("#snippet").inner_text()
    assert "stream=False" in python
    done = subprocess.run([sys.executable, "-c", python], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.strip(), done
