"""What the operator is told to mend. Most of it is seen at GET /api/stats; here is what that cannot show."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from grok2api.accounts import Status, Tier, TierSummary
from grok2api.env import Env
from grok2api.services.advice import Adviser, Urgency

NONE = dict.fromkeys(Status, 0)


def tier(fit: int = 0, **statuses: int) -> TierSummary:
    counts = NONE | {Status(name): number for name, number in statuses.items()}
    return TierSummary(counts, 0, fit, {}, {})


def told(
    env: Env | None = None,
    warnings: tuple[str, ...] = (),
    basic: TierSummary | None = None,
    super_: TierSummary | None = None,
    blocked: int = 0,
    keys_needed: bool = True,
    **settings: str,
) -> list[tuple[str, str, dict[str, Any]]]:
    tiers = {Tier.BASIC: basic or tier(1, active=1), Tier.SUPER: super_ or tier()}
    found = adviser(env, warnings, keys_needed, **settings).advice(tiers, blocked)
    return [(one.code, str(one.urgency), dict(one.detail)) for one in found]


def adviser(
    env: Env | None = None, warnings: tuple[str, ...] = (), keys_needed: bool = True, **settings: str
) -> Adviser:
    shown = SimpleNamespace(**{"base_url": "https://gw.example"} | settings)
    return Adviser(
        env or Env(secret_key="x"),
        SimpleNamespace(warnings=lambda: list(warnings)),  # type: ignore[arg-type]
        SimpleNamespace(snapshot=lambda: shown),  # type: ignore[arg-type]
        SimpleNamespace(default_password_stands=lambda: False),  # type: ignore[arg-type]
        SimpleNamespace(needed=lambda: keys_needed),  # type: ignore[arg-type]
    )


def test_of_what_is_well_nothing_is_told() -> None:
    assert told() == []


def test_each_warning_of_the_storage_is_told_in_its_words() -> None:
    assert told(warnings=("It forgets.", "It evicts.")) == [
        ("storage", "danger", {"text": "It forgets."}),
        ("storage", "danger", {"text": "It evicts."}),
    ]


@pytest.mark.parametrize(
    ("host", "level"),
    [
        ("127.0.0.1", "warning"), ("::1", "warning"), ("localhost", "warning"),
        ("0.0.0.0", "danger"), ("::", "danger"), ("10.0.0.5", "danger"),
    ],
)  # fmt: skip
def test_being_open_is_urgent_where_others_can_reach_it(host: str, level: str) -> None:
    assert told(Env(secret_key="x", host=host), keys_needed=False) == [("no_api_key", level, {})]


@pytest.mark.parametrize(
    ("host", "keys_needed", "said"),
    [
        ("0.0.0.0", False, 1),
        ("::", False, 1),
        ("0.0.0.0", True, 0),
        ("127.0.0.1", False, 0),
        ("::1", False, 0),
    ],
)
def test_being_open_to_others_is_said_in_the_log_at_the_start(
    caplog: pytest.LogCaptureFixture, host: str, keys_needed: bool, said: int
) -> None:
    with caplog.at_level(logging.WARNING):
        adviser(Env(host=host), keys_needed=keys_needed).warn_if_open()
    assert len(caplog.records) == said
    assert all(word in caplog.text for word in (f"HOST={host}", "api_key") if said)


def test_one_fit_account_of_either_tier_is_enough() -> None:
    cooling = tier(0, cooling=3)
    assert told(basic=cooling, super_=tier(1, unused=1)) == []
    assert told(basic=cooling) == [("no_fit_accounts", "danger", {"count": 3})]
    assert told(basic=tier()) == [("no_accounts", "danger", {})]


def test_the_most_urgent_comes_first() -> None:
    found = told(Env(), ("It forgets.",), tier(), tier(), 7, keys_needed=False, base_url="")
    assert [code for code, _, _ in found] == [
        "no_accounts", "blocked", "storage", "no_api_key", "no_base_url", "no_secret_key",
    ]  # fmt: skip
    order = list(map(str, Urgency))
    levels = [level for _, level, _ in found]
    assert levels == sorted(levels, key=order.index)
    assert ("blocked", "danger", {"count": 7}) in found
