"""What the SQL of a request's way reads, as SQLite plans it: indexes, never a whole table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from grok2api.accounts import LEASE_S, Outcome, Tier
from tests.contract.dealings import COSTLY, NOW, add, chosen, end, take, use, wanting
from tests.contract.places import FilePlace


@contextmanager
def statements() -> Iterator[dict[str, Any]]:
    """The statements run meanwhile, each with the values of its last run."""
    seen: dict[str, Any] = {}

    def note(_: Any, __: Any, statement: str, values: Any, ___: Any, many: bool) -> None:
        seen[statement] = values[0] if many else values

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
def plans(file: FilePlace) -> dict[str, list[str]]:
    """How every statement of leasing, tidying, renewing and settling is carried out."""
    accounts = file.open().accounts
    add(accounts, 30)
    add(accounts, 3, Tier.SUPER)
    file.set_quota([1, 2, 3], "default", 1, now=NOW, ends_at=NOW + 50)
    with statements() as seen:
        for outcome in Outcome:
            use(accounts, outcome)
        use(accounts, Outcome.RATE_LIMITED, exhausted=True)
        use(accounts, Outcome.SUCCESS, used=9)
        first = chosen(accounts, COSTLY)
        assert first is not None
        chosen(accounts, wanting(exclude=(first, 2, 3), max_in_flight=1))
        take(accounts)
        kept = take(accounts)
        accounts.renew([kept.id], NOW + 10)
        chosen(accounts, at=NOW + LEASE_S + 5)
        end(accounts, kept, at=NOW + LEASE_S + 5)
    found: dict[str, list[str]] = {}
    with file.sql() as connection:
        for statement, values in seen.items():
            rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            found[statement] = [row[3] for row in rows]
    assert len(found) > 10
    return found


def test_no_statement_reads_a_whole_table(plans: dict[str, list[str]]) -> None:
    scans = {
        statement: plan
        for statement, plan in plans.items()
        if any(step.startswith("SCAN") and step != "SCAN CONSTANT ROW" for step in plan)
    }
    assert scans == {}


def test_no_statement_sorts(plans: dict[str, list[str]]) -> None:
    assert [plan for plan in plans.values() if any("TEMP B-TREE" in step for step in plan)] == []


@pytest.mark.parametrize("index", ["choice", "return", "rest"])
def test_each_index_of_the_standings_is_used(plans: dict[str, list[str]], index: str) -> None:
    assert any(f"INDEX ix_account_quotas_{index}" in step for plan in plans.values() for step in plan)
