"""What a failure changes in an account, whether a request or a check met it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping

from grok2api.accounts import BLOCKED, Finding, Settlement


def failure_changes(account: RowMapping, said: Settlement | Finding, now: float) -> dict[str, Any]:
    """The columns of an account's row that change, with their new values."""
    changes: dict[str, Any] = {}
    if said.failure is not None:
        reason = said.failure[:255]
        changes |= {"failed_count": account["failed_count"] + 1}
        changes |= {"last_failure_at": now, "last_failure_reason": reason}
        if said.strike_limit is not None:
            changes["strikes"] = account["strikes"] + 1
            if changes["strikes"] >= said.strike_limit and account["expired_reason"] is None:
                changes["expired_reason"] = reason[:64]
        elif not said.expire:
            changes["strikes"] = 0  # something else came between: the refusals were not in a row
    if said.expire is not None and account["expired_reason"] != BLOCKED:
        changes["expired_reason"] = said.expire[:64]
    return changes
