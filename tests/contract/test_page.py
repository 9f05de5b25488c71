"""Listing accounts."""

from __future__ import annotations

from grok2api.accounts import Outcome, Tier
from grok2api.storage.base import Accounts
from tests.contract.dealings import NOW, account, add, end, take, use, wanting
from tests.contract.places import Place


def test_an_empty_pool_has_an_empty_page(accounts: Accounts) -> None:
    assert accounts.page(0, 10) == ([], 0)


def test_pages_follow_the_order_of_adding(accounts: Accounts) -> None:
    names = [f"secret-{(number * 7919) % 1300:05}" for number in range(1300)]
    accounts.add(names[:700], Tier.SUPER, NOW)
    accounts.add(names[700:], Tier.BASIC, NOW + 1)
    seen: list[str] = []
    for offset in range(0, 1300, 400):
        page, total = accounts.page(offset, 400)
        assert total == 1300
        seen += [one.secret for one in page]
    assert seen == names


def test_a_page_past_the_end_is_empty_and_still_counts(accounts: Accounts) -> None:
    add(accounts, 3)
    assert accounts.page(3, 10) == ([], 3)


def test_an_account_shows_its_tags_in_order_and_its_note(accounts: Accounts, place: Place) -> None:
    (id_,) = add(accounts, 1)
    place.describe(id_, "note ☂", ("zebra", "ant"))
    shown = account(accounts, id_)
    assert (shown.tags, shown.note) == (("ant", "zebra"), "note ☂")


def test_an_account_shows_what_it_did(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    use(accounts, Outcome.SUCCESS, at=NOW + 1)
    use(accounts, Outcome.FAILED, at=NOW + 2)
    open_lease = take(accounts, at=NOW + 3)
    shown = account(accounts, id_)
    assert (shown.request_count, shown.last_used_at) == (2, NOW + 2)
    assert (shown.failed_count, shown.last_failure_at, shown.last_failure_reason) == (1, NOW + 2, "failed")
    assert shown.quotas["default"].resting and not shown.quotas["heavy"].resting
    assert shown.in_flight == 1
    end(accounts, open_lease, at=NOW + 4)
    assert account(accounts, id_).in_flight == 0


def test_each_quota_pool_has_its_own_standing(accounts: Accounts, place: Place) -> None:
    (id_,) = add(accounts, 1, Tier.SUPER)
    place.set_quota([id_], "default", 9, now=NOW)
    place.set_quota([id_], "heavy", 3, now=NOW, ends_at=NOW + 500)
    use(accounts, Outcome.RATE_LIMITED, wanting(pool="heavy"))
    shown = account(accounts, id_).quotas
    assert (shown["default"].remaining, shown["default"].cooldown_until) == (9, None)
    assert (shown["heavy"].remaining, shown["heavy"].window_ends_at) == (2, NOW + 500)
    assert shown["heavy"].cooldown_until == NOW + 3600


def test_a_secret_is_not_in_what_an_account_prints(accounts: Accounts) -> None:
    add(accounts, 1, name="topsecret")
    assert "topsecret" not in repr(accounts.page(0, 1)) + repr(take(accounts))
