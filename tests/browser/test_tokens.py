"""The accounts' page: adding many, finding some, and what is done with them."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.pages import Console


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
    console.gateway.set_accounts(["sim-basic-ok-menu1", "sim-basic-403_blocked-menu2.only.limits"])
    console.open("tokens", "?sort=created_time")

    def choose(row: int, name: str) -> None:
        console.rows().nth(row).get_by_role("button", name="Actions").click()
        console.page.locator("#row-menu").get_by_role("button", name=name, exact=True).click()

    choose(0, "Test now")
    console.told("The account works: 80 of 80 calls left.")
    choose(1, "Test now")
    console.told("Refused:")
    expect(console.rows().nth(1)).to_contain_text("Expired")
    choose(0, "Tags and note …")
    console.page.get_by_label("Note", exact=True).fill("<img src=x onerror=alert(1)>")
    console.button("Save").click()
    console.told("Note saved.")
    expect(console.rows().nth(0)).to_contain_text("<img src=x onerror=alert(1)>")
    choose(0, "Disable")
    console.told("One account disabled.")
    expect(console.rows().nth(0)).to_contain_text("Disabled")
    choose(0, "Enable")
    console.told("One account enabled.")


def test_a_cooldown_counts_down_and_the_last_failure_is_told_in_words(console: Console) -> None:
    console.gateway.set_accounts(["sim-basic-429-cooling"])
    console.gateway.chat("Hello")
    console.open("tokens")
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
    console: Console, shots: Path
) -> None:
    console.gateway.set_settings(refresh_concurrency=1)
    slow = [f"sim-basic-wait_then_ok-slow{n}.only.limits.wait.2" for n in range(5)]
    console.gateway.admin("/api/tokens/add", {"tokens": [*pasted(491), *slow], "token_type": "sso"})
    console.open("tokens")
    tab = console.page.context.new_page()
    tab.goto("/manage/audit")
    console.button("Refresh all").click()
    console.told("The refresh of all quotas has started.")
    for page in (console.page, tab):
        expect(page.locator("#refresh-title")).to_contain_text("Refreshing quotas: ")
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
