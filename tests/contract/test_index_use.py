"""What the SQL of a request's way reads, as SQLite plans it: indexes, never a whole table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from grok2api.accounts import LEASE_S, Outcome, Tier
from grok2api.client_keys import ClientKey
from grok2api.media import Kind, MediaItem
from grok2api.storage.base import RESPONSE_KEPT_S, Store, StoredResponse
from grok2api.storage.clients import RequestEntry
from grok2api.storage.oversight import GOOD_ADDRESS_S, AuditEntry, UsageCount
from tests.contract.dealings import COSTLY, NOW, add, chosen, end, set_quota, take, use, wanting
from tests.contract.places import FilePlace


@contextmanager
def statements(file: FilePlace) -> Iterator[tuple[Store, set[str]]]:
    """A store over the file, and the statements that it runs."""
    seen: set[str] = set()

    def trace(connection: sqlite3.Connection, _: Any) -> None:
        connection.set_trace_callback(seen.add)

    event.listen(Engine, "connect", trace)
    try:
        yield file.open(), seen
    finally:
        event.remove(Engine, "connect", trace)


@pytest.fixture
def plans(file: FilePlace) -> dict[str, list[str]]:
    """How every statement of leasing, tidying, renewing, settling, checking, of stored responses, of the index of
    media, of logins, of the operators' actions, of counts, of using keys and of the log of requests is carried out."""
    with statements(file) as (store, seen):
        add(store, 30)
        add(store, 3, Tier.SUPER)
        seen.clear()
        set_quota(store, [1, 2, 3], "default", 1, now=NOW, ends_at=NOW + 50)
        for outcome in Outcome:
            use(store, outcome)
        use(store, Outcome.RATE_LIMITED, exhausted=True)
        use(store, Outcome.SUCCESS, used=9)
        first = chosen(store, COSTLY)
        assert first is not None
        chosen(store, wanting(exclude=(first, 2, 3), max_in_flight=1))
        take(store)
        kept = take(store)
        store.leases.renew([kept.id], NOW + 10)
        store.accounts.stale(NOW, 3)
        chosen(store, at=NOW + LEASE_S + 5)
        end(store, kept, at=NOW + LEASE_S + 5)
        store.leases.heal(NOW + 10**6)
        for number in range(50):
            response = StoredResponse(f"resp_{number}", "owner", b"body", NOW + RESPONSE_KEPT_S)
            store.responses.save(response)
        store.responses.get("resp_1", "owner", NOW)
        store.responses.delete("resp_1", "owner", NOW)
        list(store.responses.walk(10, NOW))
        store.responses.forget_expired(NOW + RESPONSE_KEPT_S)
        store.media.add([MediaItem(f"users/{n}/i.jpg", list(Kind)[n % 2], 1, NOW + n) for n in range(50)])
        store.media.get("users/1/i.jpg")
        for kind in (None, *Kind):
            store.media.page(kind, 3, 10)
        store.media.walk("users/1/i.jpg", 10)
        store.media.forget_older(NOW + 30)
        store.logins.attempt("address", "username", NOW)
        store.logins.succeeded("address", "username", NOW)
        store.logins.forget_old(NOW + GOOD_ADDRESS_S)
        for number in range(50):
            store.audit.add(AuditEntry(NOW + number, "admin", "address", "login"))
        store.audit.page(3, 10)
        list(store.audit.walk(10))
        store.audit.forget_older(NOW + 10, 20)
        for _ in range(2):
            store.usage.add([UsageCount(60, 60 * n, name, 1) for n in range(50) for name in "ab"])
        store.usage.since(60, 600)
        list(store.usage.walk(10))
        store.usage.forget_before(60, 1200)
        store.usage.forget_all()
        key = store.keys.add(ClientKey(0, "name", "digest", "hint", NOW, per_minute=1))
        for _ in range(2):
            store.keys.take(key.id, NOW)
        store.keys.note_used({key.id: (1, NOW)})
        store.requests.add([RequestEntry(NOW + number, f"{number}", {}) for number in range(50)])
        store.requests.recent(10)
        list(store.requests.walk(10))
        store.requests.forget_older(NOW + 10, 20)
        reading = ("SELECT", "UPDATE", "DELETE", "INSERT", "REPLACE")
        asked = {text for text in seen if text.split()[0] in reading}
    with file.sql() as connection:
        plan = {text: connection.execute(f"EXPLAIN QUERY PLAN {text}").fetchall() for text in asked}
    assert len(plan) > 10
    return {text: [row[3] for row in rows] for text, rows in plan.items()}


#: Pages of all media, of the operators' actions and of the log of requests, and counts, read an index from its end.
PAGES = (
    "SCAN media USING COVERING INDEX", "SCAN audit USING INDEX", "SCAN audit USING COVERING INDEX",
    "SCAN request_log USING INDEX", "SCAN request_log USING COVERING INDEX",
)  # fmt: skip


def test_no_statement_reads_a_whole_table(plans: dict[str, list[str]]) -> None:
    scans = {
        statement: plan
        for statement, plan in plans.items()
        if any(step.startswith("SCAN") and step != "SCAN CONSTANT ROW" for step in plan)
        and not plan[0].startswith(PAGES)
    }
    assert scans == {}


def test_no_statement_sorts(plans: dict[str, list[str]]) -> None:
    assert [plan for plan in plans.values() if any("TEMP B-TREE" in step for step in plan)] == []


@pytest.mark.parametrize("index", ["choice", "return", "rest"])
def test_each_index_of_the_standings_is_used(plans: dict[str, list[str]], index: str) -> None:
    assert any(f"INDEX ix_account_quotas_{index}" in step for plan in plans.values() for step in plan)


@pytest.mark.parametrize("index", ["created", "kind"])
def test_each_index_of_the_media_is_used(plans: dict[str, list[str]], index: str) -> None:
    assert any(f"INDEX ix_media_{index}" in step for plan in plans.values() for step in plan)
