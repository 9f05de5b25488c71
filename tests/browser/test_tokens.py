"""The accounts' page: adding many, finding some, and what is done with them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Route, expect

from tests.browser.pages import Console, log_in


def pasted(count: int, name: str = "paste") -> list[str]:
    return [f"sim-basic-ok-{name}{n:04}" for n in range(count)]


def test_five_hundred_are_pasted_looked_at_and_added(console: Console, shots: Path) -> None:
    new = pasted(500)
    text = "\n".join(
        [*new[:250], "sso=" + new[250], *new[251:], *new[:20], "sim-basic-ok-browser0", "", "not a token!"]
    )
    console.open("tokens")
    console.button("Add tokens").first.click()
    dialog = console.page.get_by_role("dialog")
    dialog.get_by_label("Tokens", exact=True).fill(text)
    preview = dialog.get_by_role("status")
    expect(preview).to_contain_text(
        "500 new, 1 known already, 20 repeated, 0 to be moved to this kind, 1 invalid."
    )
    expect(preview).to_contain_text("Characters that no token has: lines 523.")
    console.page.screenshot(path=shots / "add.png")
    for _ in range(2):
        console.page.keyboard.press("Escape")
        expect(console.page.locator("#confirm")).to_contain_text("522 lines have not been added.")
        console.page.keyboard.press("Escape")
        expect(console.page.locator("#confirm")).to_be_hidden()
    expect(dialog.get_by_label("Tokens", exact=True)).to_have_value(text)
    dialog.get_by_role("button", name="Add tokens").click()
    console.told("500 added, 0 moved, 21 known already or repeated, 1 invalid.")
    console.counted("504 accounts")
    expect(console.rows()).to_have_count(50)


def test_a_file_is_taken_as_pasted_text_is(console: Console, tmp_path: Path) -> None:
    lines, export = tmp_path / "lines.txt", tmp_path / "accounts.json"
    lines.write_text("\n".join(pasted(3, "file")))
    export.write_text(json.dumps([{"token": secret, "status": "active"} for secret in pasted(5, "file")]))
    console.open("tokens")
    console.button("Add tokens").first.click()
    dialog = console.page.get_by_role("dialog")
    for path, said in ((lines, "3 new"), (export, "5 new")):
        dialog.get_by_label("or from a file").set_input_files(path)
        expect(dialog.get_by_role("status")).to_contain_text(said)
    dialog.get_by_label("Super account").check()
    dialog.get_by_role("button", name="Add tokens").click()
    console.told("5 added")
    console.page.get_by_label("Kind of account").select_option("Super account")
    console.counted("5 accounts match")


def test_some_are_selected_tagged_found_by_their_tag_and_deleted(console: Console) -> None:
    console.gateway.admin("/api/tokens/add", {"tokens": pasted(120), "token_type": "sso"})
    console.open("tokens", "?page_size=25")
    for row in range(3):
        console.rows().nth(row).get_by_role("checkbox").check()
    expect(console.page.locator("#bulk-count")).to_have_text("3 selected")
    console.button("Tags …").click()
    console.page.get_by_label("Tags", exact=True).fill("team a, backup, ")
    console.button("Save").click()
    console.told("Tags of 3 accounts saved.")
    console.button("Tags …").click()
    console.page.get_by_label("Tags", exact=True).fill("other")
    console.page.keyboard.press("Enter")
    console.told("Tags of 3 accounts saved.")
    expect(console.rows().first.locator(".tag")).to_have_text(["backup", "other", "team a"])
    console.page.get_by_role("button", name="Show only accounts tagged team a").first.click()
    console.counted("3 accounts match")
    assert "tag=team+a" in console.page.url
    console.page.reload()
    console.counted("3 accounts match")
    console.page.get_by_label("Select all on this page").check()
    console.button("Delete").click()
    confirm = console.page.get_by_role("dialog")
    expect(confirm).to_contain_text("3 accounts and all that is known of them will be forgotten.")
    confirm.get_by_role("button", name="Cancel").click()
    console.button("Delete").click()
    confirm.get_by_role("button", name="Delete 3").click()
    console.told("3 accounts deleted.")
    expect(console.page.locator("#empty-text")).to_have_text("No account matches these filters.")
    console.button("Clear filters").click()
    console.counted("121 accounts")


def test_tags_and_notes_of_many_are_not_wiped_unasked(console: Console) -> None:
    page, gateway = console.page, console.gateway
    gateway.admin("/api/tokens/add", {"tokens": pasted(30), "token_type": "sso"})
    ids = gateway.get_admin("/api/tokens/ids")["data"]
    gateway.admin("/api/tokens/tags", {"tokens": ids, "tags": ["keep", "drop"]})
    gateway.admin("/api/tokens/note", {"tokens": ids, "note": "kept"})
    console.open("tokens", "?page_size=25")
    page.get_by_label("Select all on this page").check()
    console.button("Select all 34").click()
    expect(page.locator("#bulk-hidden")).to_have_text("(9 not on this page)")
    edit, confirm = page.locator("#edit-dialog"), page.locator("#confirm")

    console.button("Tags …").click()
    expect(edit).to_contain_text("9 of them are not on this page.")
    page.keyboard.press("Enter")
    expect(edit.get_by_role("alert")).to_have_text("Enter at least one tag.")
    edit.get_by_label("Remove").check()
    edit.get_by_label("Tags", exact=True).fill("drop")
    page.keyboard.press("Enter")
    console.told("Tags of 34 accounts saved.")
    for name, text in (
        ("Tags …", "34 accounts will lose all their tags."),
        ("Note …", "will lose their notes."),
    ):
        console.button(name).click()
        if name == "Tags …":
            edit.get_by_label("Replace all").check()
        console.button("Save").click()
        expect(confirm).to_contain_text(text)
        confirm.get_by_role("button", name="Cancel").click()
        expect(edit).to_be_visible()
        page.keyboard.press("Escape")
        expect(edit).to_be_hidden()
    console.button("Note …").click()
    console.button("Save").click()
    confirm.get_by_role("button", name="Remove").click()
    console.told("Notes of 34 accounts saved.")
    found = gateway.get_admin("/api/tokens")["data"]
    assert {(*one["tags"], one["note"]) for one in found} == {("keep", "")}


def test_the_keyboard_stays_where_it_was_when_rows_come_and_go(console: Console) -> None:
    page = console.page
    console.gateway.admin("/api/tokens/add", {"tokens": pasted(26), "token_type": "sso"})
    console.open("tokens", "?page_size=25&sort=created_time")

    def row(number: int) -> Locator:
        return console.rows().nth(number)

    def menu(number: int) -> Locator:
        return row(number).get_by_role("button", name="Actions")

    def press(button: Locator) -> None:
        button.focus()
        page.keyboard.press("Enter")

    def redrawn() -> None:
        with page.expect_response("**/api/tokens?*"):
            page.evaluate("dispatchEvent(new Event('accounts-changed'))")
        page.evaluate("new Promise(requestAnimationFrame)")

    press(menu(3))
    redrawn()
    page.keyboard.press("Escape")
    expect(menu(3)).to_be_focused()
    press(menu(3))
    press(page.locator("[data-row=details]"))
    redrawn()
    page.keyboard.press("Escape")
    expect(menu(3)).to_be_focused()

    gone, following = row(3).get_attribute("data-id"), row(4).get_attribute("data-id")
    press(menu(3))
    press(page.locator("[data-row=delete]"))
    press(page.locator("#confirm-yes"))
    console.counted("29 accounts")
    assert row(3).get_attribute("data-id") == following != gone
    expect(menu(3)).to_be_focused()

    row(3).get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    press(console.button("Lift cooldown"))
    expect(page.locator(".toast", has_text="Cooldown lifted")).to_be_visible()
    expect(console.button("Lift cooldown")).to_be_focused()
    press(page.locator("[data-bulk=delete]"))
    press(page.locator("#confirm-yes"))
    console.counted("28 accounts")
    expect(row(3).get_by_role("checkbox")).to_be_focused()

    press(console.button("Next"))
    expect(page.locator("#pager-text")).to_have_text("26–28 of 28")
    expect(console.button("Next")).to_be_focused()
    press(console.button("Refresh all"))
    expect(page.locator(".toast", has_text="has started")).to_be_visible()
    expect(console.button("Refresh all")).to_be_focused()


def test_the_bar_of_the_selected_ones_moves_no_row_and_stays_in_sight(console: Console) -> None:
    page = console.page
    console.gateway.admin("/api/tokens/add", {"tokens": pasted(60), "token_type": "sso"})
    console.open("tokens")
    page.mouse.wheel(0, 700)
    page.wait_for_function("scrollY > 300")
    place = "document.querySelectorAll('#tokens tbody tr')[12].getBoundingClientRect().top"
    before = page.evaluate(place)
    console.rows().nth(12).get_by_role("checkbox").check()
    expect(page.locator("#bulk-count")).to_have_text("1 selected")
    assert page.evaluate(place) == before
    expect(page.locator("#bulk")).to_be_in_viewport(ratio=1)
    middle = "(e) => { const box = e.getBoundingClientRect(); return box.top + box.height / 2; }"
    aligned = [console.rows().nth(12).locator(it).evaluate(middle) for it in ("input", ".left")]
    assert abs(aligned[0] - aligned[1]) < 1.5
    page.evaluate("scrollTo(0, 1e6)")
    console.button("Next").click()
    expect(page.locator("#pager-text")).to_have_text("51–64 of 64")
    page.evaluate("scrollTo(0, 1e6)")
    console.button("Previous").click()
    expect(console.rows()).to_have_count(50)
    expect(console.rows().first).to_be_in_viewport()


def test_all_that_match_are_selected_over_all_pages(console: Console) -> None:
    console.gateway.admin("/api/tokens/add", {"tokens": pasted(60), "token_type": "ssoSuper"})
    console.open("tokens", "?token_type=ssoSuper&page_size=25")
    console.page.get_by_label("Select all on this page").check()
    console.button("Select all 60 that match").click()
    expect(console.page.locator("#bulk-count")).to_have_text("60 selected")
    console.button("Disable").click()
    console.told("60 accounts disabled.")
    console.button("Clear selection").click()
    console.page.get_by_label("Status").select_option("Disabled")
    console.counted("60 accounts match")


def test_the_view_is_in_the_address_and_back_leads_back(console: Console) -> None:
    console.gateway.admin("/api/tokens/add", {"tokens": pasted(60), "token_type": "sso"})
    console.open("tokens")
    console.button("Requests").click()
    expect(console.page.locator("th[aria-sort=descending]")).to_have_text("Requests")
    console.button("Next").click()
    expect(console.page.locator("#pager-text")).to_have_text("51–64 of 64")
    console.page.get_by_role("searchbox").fill("ste00")
    console.counted("60 accounts match")
    assert "q=ste00" in console.page.url and "page=" not in console.page.url
    console.page.go_back()
    console.counted("64 accounts")
    expect(console.page.locator("th[aria-sort=descending]")).to_have_text("Requests")


def test_one_is_tested_refreshed_noted_and_disabled_by_its_menu(console: Console) -> None:
    console.gateway.set_accounts(
        ["sim-basic-ok-menu1", "sim-basic-403_blocked-menu2.only.limits"]
        + ["sim-basic-401-menu3.only.limits", "sim-basic-ok-menu4.quota.0"]
    )
    console.open("tokens", "?sort=created_time")

    def choose(row: int, name: str) -> None:
        console.rows().nth(row).get_by_role("button", name="Actions").click()
        console.page.locator("#row-menu").get_by_role("button", name=name, exact=True).click()

    choose(0, "Test now")
    console.told("The account works: 80 of 80 calls left.")
    choose(1, "Test now")
    console.told("Refused:")
    expect(console.rows().nth(1)).to_contain_text("Expired")
    choose(2, "Test now")
    console.told("The account does not work: Grok refused the account's credentials.")
    choose(3, "Test now")
    console.told("The account is good, but its calls are used up")
    choose(0, "Tags and note …")
    console.page.get_by_label("Note", exact=True).fill("<img src=x onerror=alert(1)>")
    console.button("Save").click()
    console.told("Note saved.")
    expect(console.rows().nth(0)).to_contain_text("<img src=x onerror=alert(1)>")
    choose(1, "Details …")
    details = console.page.get_by_role("dialog")
    expect(details).to_contain_text("Grok has blocked the account.")
    details.get_by_role("button", name="Close").click()
    slow: list[Route] = []
    console.page.route("**/api/tokens/refresh", lambda route: slow.append(route))
    choose(0, "Refresh quota")
    expect(console.rows().nth(0)).to_have_attribute("aria-busy", "true")
    slow[0].continue_()
    console.told("Quotas refreshed: 1 good, 0 failed.")
    expect(console.rows().nth(0)).not_to_have_attribute("aria-busy", "true")
    console.page.route("**/api/tokens?*status=*", lambda route: slow.append(route))
    console.page.get_by_label("Status").select_option("Active")
    expect(console.page.locator("#tokens")).to_have_attribute("aria-busy", "true")
    slow[1].continue_()
    console.counted("one account matches")
    expect(console.page.locator("#tokens")).not_to_have_attribute("aria-busy", "true")
    console.page.unroute_all()
    console.button("Clear filters").click()
    console.counted("4 accounts")
    choose(0, "Disable")
    console.told("One account disabled.")
    expect(console.rows().nth(0)).to_contain_text("Disabled")
    choose(0, "Enable")
    console.told("One account enabled.")


def test_a_cooldown_counts_down_and_the_last_failure_is_told_in_words(console: Console) -> None:
    console.gateway.set_accounts(["sim-basic-429-cooling"])
    console.gateway.chat("Hello")
    console.gateway.admin("/api/tokens/add", {"tokens": ["sim-basic-ok-rests"], "token_type": "sso"})
    console.gateway.sql(
        f"UPDATE account_quotas SET rest_until_request = 0, rest_until_at = {time.time() + 500}"
        " WHERE account_id = (SELECT max(id) FROM accounts)"
    )
    console.open("tokens", "?sort=created_time")
    expect(console.rows().nth(1)).to_contain_text("back with the next request")
    row = console.rows().first
    expect(row).to_contain_text("Cooling")
    expect(row).to_contain_text("Grok's rate limit was reached.")
    first = row.locator(".until").inner_text()
    assert first.startswith("back in ")
    expect(row.locator(".until")).not_to_have_text(first)
    row.get_by_role("checkbox").check()
    console.button("Lift cooldown").click()
    console.told("Cooldown lifted for one account.")
    expect(row).not_to_contain_text("Cooling")
    id_ = row.locator(".id").inner_text()
    console.open("logs")
    console.page.locator("#requests tr").first.get_by_role("link", name=id_).click()
    console.page.wait_for_url(f"**/manage/tokens?q=%23{id_.removeprefix('#')}")
    console.counted("one account matches")
    expect(row.locator(".id")).to_have_text(id_)


def test_secrets_are_masked_and_copied_whole(console: Console) -> None:
    console.open("tokens", "?sort=created_time")
    row = console.rows().first
    expect(row.locator("code")).to_have_text("sim-ba…ser0")
    row.get_by_role("button", name="Copy the whole token").click()
    console.told("Copied.")
    assert console.page.evaluate("navigator.clipboard.readText()") == "sim-basic-ok-browser0"


def test_the_selected_ones_are_exported(console: Console) -> None:
    console.open("tokens", "?sort=created_time")
    for row in (0, 2):
        console.rows().nth(row).get_by_role("checkbox").check()
    console.page.locator("[data-bulk=export]").click()
    with console.page.expect_download() as download:
        console.button("Lines").click()
    assert Path(download.value.path()).read_text() == "sim-basic-ok-browser0\nsim-basic-ok-browser2\n"
    console.button("Clear selection").click()
    console.page.get_by_role("searchbox").fill("ser1")
    console.counted("one account matches")
    console.page.locator("#export").click()
    with console.page.expect_download() as download:
        console.button("JSON").click()
    assert [one["token"] for one in json.loads(Path(download.value.path()).read_text())] == [
        "sim-basic-ok-browser1"
    ]


def test_a_refresh_of_all_shows_in_every_tab_survives_a_reload_and_is_not_started_twice(
    console: Console, open_context: Callable[..., BrowserContext], shots: Path
) -> None:
    elsewhere = open_context().new_page()
    log_in(elsewhere, then="/manage/audit")
    console.gateway.set_settings(refresh_concurrency=1)
    slow = [f"sim-basic-wait_then_ok-slow{n}.only.limits.wait.2" for n in range(5)]
    console.gateway.admin("/api/tokens/add", {"tokens": [*pasted(491), *slow], "token_type": "sso"})
    console.open("tokens")
    tab = console.page.context.new_page()
    tab.goto("/manage/audit")
    console.button("Refresh all").click()
    console.told("The refresh of all quotas has started.")
    for page in (console.page, tab, elsewhere):
        expect(page.locator("#refresh-title")).to_contain_text("Refreshing quotas: ", timeout=4_000)
    console.button("Refresh all").click()
    console.told("A refresh is running already: ")
    console.page.reload()
    expect(console.page.locator("#refresh-title")).to_contain_text("of 500")
    before = int(console.page.get_by_role("progressbar").get_attribute("aria-valuenow") or 0)
    console.page.screenshot(path=shots / "refresh.png")
    console.page.wait_for_function(
        "before => Number(document.querySelector('#refresh-meter').ariaValueNow) > before", arg=before
    )
    expect(console.page.locator(".toast")).to_contain_text("500 good, 0 failed", timeout=60_000)
    expect(console.page.locator("#refresh-strip")).to_be_hidden()


def test_on_a_phone_one_sorts_and_selects_a_page_by_touch(
    console: Console, open_context: Callable[..., BrowserContext]
) -> None:
    console.gateway.admin("/api/tokens/tags", {"token": "sim-basic-ok-browser0", "tags": ["x" * 64]})
    page = open_context(viewport={"width": 360, "height": 740}, has_touch=True).new_page()
    log_in(page, then="/manage/tokens")
    phone = Console(page, console.gateway)
    phone.counted("4 accounts")
    assert page.evaluate("[...document.querySelectorAll('thead *')].every((it) => !it.checkVisibility())")
    page.get_by_label("Sort by").select_option("Added ↑")
    expect(phone.rows().first.locator("code")).to_have_text("sim-ba…ser0")
    assert "sort=created_time" in page.url
    tag = phone.rows().first.locator(".tag")
    assert tag.evaluate(
        "(it) => it.getBoundingClientRect().right <= it.closest('td').getBoundingClientRect().right"
    )
    page.get_by_label("All on this page", exact=True).tap()
    expect(page.locator("#bulk-count")).to_have_text("4 selected")
    expect(page.locator("#bulk")).to_be_in_viewport(ratio=1)
