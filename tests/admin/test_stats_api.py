"""GET /api/stats: accounts in counts, requests over time, and what should be mended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from grok2api import __version__
from grok2api.accounts import Status
from tests.admin.answers import listed
from tests.gateway import SETTINGS_FRESH_S, Gateway
from tests.simulator.client import Simulator, directive

#: What was counted is shown by then.
SHOWN_S = 5.0


@pytest.fixture(scope="module")
def counted_gateway(
    shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("counted") / "data", shared_simulator.url) as running:
        running.admin("/api/settings", {"grok_config": {"refresh_interval_minutes": 0}})
        yield running


@pytest.fixture
def own(counted_gateway: Gateway, simulator: Simulator) -> Iterator[Gateway]:
    """A gateway that only these tests ask, each of which waits for all that it has done to be counted."""
    counted_gateway.set_accounts([f"sim-basic-ok-{n}" for n in range(4)])
    yield counted_gateway
    counted_gateway.restore_settings()


def stats(gateway: Gateway) -> dict[str, Any]:
    data: dict[str, Any] = gateway.get_admin("/api/stats")["data"]
    return data


def soon(
    gateway: Gateway, good: Callable[[dict[str, Any]], object], within_s: float = SHOWN_S
) -> dict[str, Any]:
    """The statistics, as soon as they are what they must become."""
    until = time.monotonic() + within_s
    while not good(found := stats(gateway)):
        assert time.monotonic() < until, (found["history"]["hour"]["total"], found["advice"])
        time.sleep(0.1)
    return found


def totals(found: dict[str, Any], period: str = "hour") -> tuple[int, int]:
    total = found["history"][period]["total"]
    return total["requests"], total["failed"]


def counts(gateway: Gateway, requests_: int, failed: int, work: Callable[[], object]) -> None:
    """What is done must count so much."""
    before = totals(stats(gateway))
    work()
    wanted = (before[0] + requests_, before[1] + failed)
    soon(gateway, lambda found: totals(found) == wanted)
    time.sleep(2.5)  # neither is anything else counted
    assert totals(stats(gateway)) == wanted


def codes(found: dict[str, Any]) -> dict[str, str]:
    return {one["code"]: one["level"] for one in found["advice"]}


# Its form


def test_the_form_of_the_answer(own: Gateway) -> None:
    own.set_accounts(["sim-basic-ok-a", "sim-basic-ok-b"], ["sim-super-ok-c"])
    data = stats(own)
    assert set(data) == {"normal", "super", "total", "history", "advice", "version"}
    assert (data["total"], data["version"]) == (3, __version__)
    words = {"total", *map(str, Status), "limited", "cooldown", "disabled", "fit"}
    for name, total in (("normal", 2), ("super", 1)):
        tier = data[name]
        assert set(tier) == words | {"remaining_queries", "unknown_quota"}
        assert (tier["total"], tier["unused"], tier["fit"]) == (total, total, total)
        assert tier["unknown_quota"]["default"] == total and tier["remaining_queries"]["default"] == 0
    for one in data["advice"]:
        assert set(one) == {"code", "level", "detail"}
        assert one["level"] in ("danger", "warning", "note")


@pytest.mark.parametrize(("period", "step_s", "number"), [("hour", 60, 60), ("day", 900, 96)])
def test_a_history_has_every_point_of_its_period(own: Gateway, period: str, step_s: int, number: int) -> None:
    began = time.time()
    found = stats(own)["history"][period]
    assert (found["step_seconds"], len(found["points"])) == (step_s, number)
    times = [point["time"] for point in found["points"]]
    assert times == list(range(times[0], times[0] + number * step_s * 1000, step_s * 1000))
    assert times[-1] % (step_s * 1000) == 0
    assert times[-1] <= time.time() * 1000 < times[-1] + step_s * 1000 + 1000 * (time.time() - began)
    for point in found["points"]:
        assert set(point) == {"time", "requests", "failed", "first_token_p50", "first_token_p95"}
        assert point["requests"] >= point["failed"] >= 0


# The accounts


def test_statuses_are_those_of_the_list(own: Gateway) -> None:
    kinds = ("ok-u", "ok-a", "429-l", "429_exhausted-x", "401_invalid-d", "500-f")
    basic = [f"sim-basic-{kind}" for kind in kinds]
    own.set_accounts(basic, ["sim-super-ok-s", "sim-super-ok-t"])

    def ask_each() -> None:
        for secret in basic[1:]:
            own.admin("/api/tokens/disable", {"tokens": basic})
            own.admin("/api/tokens/enable", {"tokens": [secret]})
            own.chat("Hello")

    counts(own, 5, 0, ask_each)  # Super accounts help out
    own.admin("/api/tokens/enable", {"tokens": basic})
    own.admin("/api/tokens/refresh", {"tokens": [basic[1], "sim-super-ok-s"]})
    own.admin("/api/tokens/disable", {"tokens": [basic[0], "sim-super-ok-t"]})
    accounts = listed(own)
    data = stats(own)
    for name, kind in (("normal", "sso"), ("super", "ssoSuper")):
        mine = [account for account in accounts if account["token_type"] == kind]
        expected = Counter(account["status"] for account in mine)
        tier = data[name]
        assert {status: tier[status] for status in Status} == {status: expected[status] for status in Status}
        assert tier["limited"] == expected["cooling"] + expected["exhausted"]
        assert tier["cooldown"] == expected["cooling"]
        assert tier["disabled"] == sum(account["disabled"] for account in mine) == 1
        assert tier["total"] == len(mine)
        able = [one for one in mine if not one["disabled"] and one["status"] != "expired"]
        known = [one["remaining_queries"] for one in able if one["remaining_queries"] >= 0]
        assert tier["remaining_queries"]["default"] == sum(known)
        assert tier["unknown_quota"]["default"] == len(able) - len(known)
    assert {status for status in Status if data["normal"][status]} >= {
        "unused",
        "active",
        "cooling",
        "expired",
    }
    assert data["total"] == len(accounts)
    assert 1 <= data["normal"]["fit"] <= 3


# Requests over time


def test_requests_of_all_workers_are_seen_soon_in_both_periods(own: Gateway) -> None:
    before = stats(own)

    def ask(_: int) -> int:
        body = {"model": "grok-4.1", "messages": [{"role": "user", "content": "Hello"}]}
        url = f"{own.url}/v1/chat/completions"
        return requests.post(url, json=body, headers={"Connection": "close"}, timeout=60).status_code

    with ThreadPoolExecutor(4) as clients:
        assert set(clients.map(ask, range(24))) == {200}
    wanted = {period: totals(before, period)[0] + 24 for period in ("hour", "day")}
    found = soon(own, lambda now: totals(now)[0] == wanted["hour"])
    for period, number in wanted.items():
        history = found["history"][period]
        assert totals(found, period) == (number, totals(before, period)[1])
        assert sum(point["requests"] for point in history["points"]) == number


def test_the_first_token_is_timed_to_its_class(own: Gateway) -> None:
    own.sql("DELETE FROM usage_counts")
    for stream in (True, False):
        with own.chat(directive("plain", tokens=3, first_delay=0.4), stream=stream) as answer:
            assert answer.status_code == 200 and answer.content
    found = soon(own, lambda now: totals(now)[0] == 2)
    for place in (found["history"]["hour"]["total"], found["history"]["day"]["points"][-1]):
        assert 300 <= place["first_token_p50"] <= place["first_token_p95"] <= 1000, place
    quiet = [point for point in found["history"]["hour"]["points"] if not point["requests"]]
    assert quiet and all(point["first_token_p50"] is None for point in quiet)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("kind", ["500", "429", "eof_mid", "403_cloudflare"])
def test_what_upstream_fails_is_a_failure(own: Gateway, kind: str, stream: bool) -> None:
    own.set_accounts([f"sim-basic-{kind}-a"])
    counts(own, 1, 1, lambda: own.chat("Hello", stream=stream).content)


def test_being_without_accounts_is_a_failure(own: Gateway) -> None:
    own.set_accounts()
    counts(own, 1, 1, lambda: own.chat("Hello"))


def test_what_the_client_does_wrong_is_no_failure(own: Gateway) -> None:
    before = totals(stats(own))

    def work() -> None:
        statuses = [
            own.chat("Hello", model="nothing").status_code,
            own.chat("Hello", temperature="hot").status_code,
            own.post("/v1/chat/completions", {"model": "grok-4.1"}).status_code,
            own.chat(directive("403_moderated")).status_code,
            own.chat(directive("400_bad")).status_code,
        ]
        assert all(400 <= status < 500 for status in statuses), statuses

    work()
    own.answer("Hello")
    found = soon(own, lambda now: totals(now)[0] > before[0])
    time.sleep(2.5)
    found = stats(own)
    assert totals(found)[1] == before[1]


def test_a_client_that_leaves_is_no_failure(own: Gateway, simulator: Simulator) -> None:
    def work() -> None:
        with own.chat(directive("plain", tokens=200, delay=0.1), stream=True) as answer:
            next(answer.iter_lines())
        simulator.wait_until(lambda: simulator.streams()["open"] == 0, 15)

    before = totals(stats(own))
    work()
    found = soon(own, lambda now: totals(now)[0] == before[0] + 1, 15)
    assert totals(found) == (before[0] + 1, before[1])


# What should be mended


def test_each_challenge_is_counted_and_told_for_an_hour(own: Gateway) -> None:
    own.sql("DELETE FROM usage_counts WHERE name = 'blocked'")
    assert "blocked" not in codes(stats(own))
    own.set_accounts(["sim-basic-403_cloudflare-a", "sim-basic-403_antibot-b"])
    counts(own, 1, 1, lambda: own.chat("Hello"))
    found = soon(own, lambda now: "blocked" in codes(now))
    [advice] = [one for one in found["advice"] if one["code"] == "blocked"]
    assert advice["level"] == "danger"
    assert advice["detail"] == {"count": found["history"]["hour"]["blocked"]}
    assert 1 <= found["history"]["hour"]["blocked"] <= 2
    assert found["history"]["day"]["blocked"] == found["history"]["hour"]["blocked"]
    own.sql("UPDATE usage_counts SET start = start - 3660 WHERE name = 'blocked' AND span_s = 60")
    later = stats(own)
    assert "blocked" not in codes(later)
    assert later["history"]["day"]["blocked"] == found["history"]["day"]["blocked"]


def test_nothing_but_a_challenge_counts_as_one(own: Gateway) -> None:
    own.sql("DELETE FROM usage_counts WHERE name = 'blocked'")
    own.set_accounts(["sim-basic-403_blocked-a", "sim-basic-429-b", "sim-basic-500-c", "sim-basic-401-d"])
    counts(own, 2, 2, lambda: [own.chat("Hello"), own.chat("Hello")])
    assert stats(own)["history"]["hour"]["blocked"] == 0


def test_missing_and_unfit_accounts_are_told(own: Gateway) -> None:
    assert not {"no_accounts", "no_fit_accounts"} & set(codes(stats(own)))
    own.admin("/api/tokens/disable", {"tokens": [account["id"] for account in listed(own)]})
    found = stats(own)
    assert codes(found)["no_fit_accounts"] == "danger" and "no_accounts" not in codes(found)
    assert {"code": "no_fit_accounts", "level": "danger", "detail": {"count": 4}} in found["advice"]
    own.admin("/api/tokens/add", {"tokens": ["sim-super-ok-a"], "token_type": "ssoSuper"})
    assert "no_fit_accounts" not in codes(stats(own))
    own.set_accounts()
    found = stats(own)
    assert codes(found)["no_accounts"] == "danger" and "no_fit_accounts" not in codes(found)


def test_missing_settings_are_told_until_they_are_set(own: Gateway) -> None:
    told = codes(stats(own))
    assert (told["no_api_key"], told["no_base_url"]) == ("warning", "note")
    own.set_settings(api_key="sk-x", base_url="https://gw.example")
    assert not {"no_api_key", "no_base_url"} & set(codes(stats(own)))


def test_the_default_password_is_told_until_it_is_changed(own: Gateway) -> None:
    found = stats(own)
    assert codes(found)["default_password"] == "danger" and codes(found)["no_secret_key"] == "note"
    levels = [one["level"] for one in found["advice"]]
    assert levels == sorted(levels, key=["danger", "warning", "note"].index)
    assert own.post("/api/password", {"old": "admin", "new": "good"}, Authorization=f"Bearer {own.token}").ok
    login = own.post("/api/login", {"username": "admin", "password": "good"})
    own.token = login.json()["token"]
    assert "default_password" not in codes(stats(own))
    own.sql("DELETE FROM settings WHERE name = 'admin_password'")
    own.admin("/api/settings", {"grok_config": {"show_thinking": True}})
    time.sleep(SETTINGS_FRESH_S)
    assert "default_password" in codes(stats(own))


def test_of_a_gateway_that_is_well_set_up_nothing_is_told(tmp_path: Path, simulator: Simulator) -> None:
    environ = {"SECRET_KEY": "a key", "ADMIN_PASSWORD": "admin2", "HOST": "0.0.0.0"}
    with Gateway(tmp_path / "data", simulator.url, workers=2, **environ) as gateway:
        login = gateway.post("/api/login", {"username": "admin", "password": "admin2"})
        gateway.token = login.json()["token"]
        assert codes(stats(gateway)) == {
            "no_accounts": "danger",
            "no_api_key": "danger",
            "no_base_url": "note",
        }
        gateway.admin("/api/tokens/add", {"tokens": ["sim-basic-ok-a"], "token_type": "sso"})
        gateway.set_settings(api_key="sk-x", base_url="https://gw.example")
        assert stats(gateway)["advice"] == []
