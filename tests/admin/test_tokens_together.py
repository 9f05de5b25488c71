"""Operators who change the same accounts at the same time, over both workers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.admin.answers import asked, listed
from tests.gateway import Gateway

MANY = [f"account-{number:04}-of-many" for number in range(1200)]


def test_each_account_is_deleted_by_one_of_those_who_delete_it(gateway: Gateway) -> None:
    gateway.set_accounts(MANY)
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(
                lambda _: asked(gateway, "POST", "/api/tokens/delete", {"tokens": MANY}).json(), range(6)
            )
        )
    done = [answer["data"] for answer in answers]
    assert sum(each["deleted"] for each in done) == len(MANY)
    assert {each["deleted"] + each["not_found"] for each in done} == {len(MANY)}
    assert listed(gateway) == []


def test_each_secret_is_added_by_one_of_those_who_add_it(gateway: Gateway) -> None:
    gateway.set_accounts()
    body = {"tokens": MANY, "token_type": "sso"}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: asked(gateway, "POST", "/api/tokens/add", body).json(), range(6)))
    assert sum(answer["data"]["added"] for answer in answers) == len(MANY)
    assert sum(answer["data"]["duplicates"] for answer in answers) == 5 * len(MANY)
    assert len(listed(gateway)) == len(MANY)


def test_tags_of_several_operators_are_never_mixed(gateway: Gateway) -> None:
    some = MANY[:40]
    gateway.set_accounts(some)

    def tag(number: int) -> int:
        tags = [f"{number}-{part}" for part in ("a", "b", "ü")]
        return asked(gateway, "POST", "/api/tokens/tags", {"tokens": some, "tags": tags}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(tag, range(24))) == {200}
    (tags,) = {tuple(account["tags"]) for account in listed(gateway)}
    (number,) = {tag.split("-")[0] for tag in tags}
    assert set(tags) == {f"{number}-a", f"{number}-b", f"{number}-ü"}
    assert gateway.get_admin("/api/tokens/tags/all")["data"] == sorted(tags)


def test_different_changes_of_one_account_all_hold(gateway: Gateway) -> None:
    some = MANY[:20]
    gateway.set_accounts(some)
    writes = [("tags", {"tags": ["eu"]}), ("note", {"note": "☂"}), ("disable", {})] * 4
    with ThreadPoolExecutor(6) as pool:
        statuses = pool.map(
            lambda write: (
                asked(gateway, "POST", f"/api/tokens/{write[0]}", {"tokens": some} | write[1]).status_code
            ),
            writes,
        )
        assert set(statuses) == {200}
    assert {(account["note"], *account["tags"], account["disabled"]) for account in listed(gateway)} == {
        ("☂", "eu", True)
    }


def test_an_export_meets_every_account_that_stays_while_others_come_and_go(gateway: Gateway) -> None:
    gateway.set_accounts(MANY)
    gone = MANY[::3]
    with ThreadPoolExecutor(5) as pool:
        exports = [
            pool.submit(asked, gateway, "GET", "/api/tokens/export?format=lines&q=f-many") for _ in range(4)
        ]
        for start in range(0, len(gone), 50):
            gateway.admin("/api/tokens/delete", {"tokens": gone[start : start + 50]})
        found = [export.result().text.split() for export in exports]
    stay = set(MANY) - set(gone)
    for secrets in found:
        assert len(secrets) == len(set(secrets))
        assert stay <= set(secrets) <= set(MANY)
