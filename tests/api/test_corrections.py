"""Reading quotas in the background: after answers, when upstream is away, and on the schedule of one worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import gevent
import pytest

from grok2api.accounts import Account, Status, Tier, status_of
from grok2api.catalogue import load_catalogue
from grok2api.services.corrections import Corrections, Pace
from grok2api.services.housekeeping import NAME, Housekeeping
from grok2api.services.live_settings import LiveSettings
from grok2api.services.quota import QuotaService
from grok2api.storage.base import Store
from grok2api.upstream.client import GrokClient
from grok2api.watchdog import Watchdog
from tests.contract.dealings import ANY
from tests.contract.places import FilePlace
from tests.full import only_full
from tests.gateway import free_port
from tests.simulator.client import Simulator

HASTE = Pace(delay_s=0.05, every_s=0.3, calm_s=30.0, retry_s=0.1, away_s=0.4, tick_s=0.02)


@dataclass
class Bench:
    """The services of one worker over a file, in this process. `skew`: what its clock is ahead by, in seconds."""

    store: Store
    simulator: Simulator
    folder: Path
    skew: float = 0.0
    running: list[Corrections] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    def now(self) -> float:
        return time.time() + self.skew

    def settings(self) -> LiveSettings:
        keys = self.store.keys.all
        return LiveSettings(self.store.settings, defaults={}, on_change=lambda snapshot: None, load_keys=keys)

    def quota(self, url: str = "") -> QuotaService:
        client = GrokClient(url or self.simulator.url, self.simulator.url, Watchdog())
        catalogue = load_catalogue(self.folder)
        return QuotaService(
            self.store.leases, client, catalogue, self.settings(), lambda error: None, self.now
        )

    def corrections(self, url: str = "") -> Corrections:
        self.running.append(Corrections(self.quota(url), HASTE))
        return self.running[-1]

    def housekeeping(self, url: str = "") -> Housekeeping:
        return Housekeeping(self.store, self.quota(url), self.settings(), self.now)

    def add(self, *secrets: str, tier: Tier = Tier.BASIC) -> list[int]:
        self.secrets |= set(secrets)
        self.store.accounts.add(secrets, tier, time.time())
        found = self.store.accounts.find(secrets)
        return [found[secret] for secret in secrets]

    def account(self, id_: int) -> Account:
        return self.store.accounts.get([id_])[0]

    def remaining(self, id_: int) -> int | None:
        return self.account(id_).quotas["default"].remaining

    def asked(self, secret: str | None = None) -> int:
        """How often upstream was asked about our accounts; a gateway of other tests may have its own."""
        asked = self.simulator.requests(secret, "/rest/rate-limits")
        return sum(request["sso"] in self.secrets for request in asked)


@pytest.fixture
def bench(tmp_path: Path, simulator: Simulator) -> Iterator[Bench]:
    place = FilePlace(tmp_path / "data")
    made = Bench(place.open(), simulator, tmp_path)
    yield made
    for corrections in made.running:
        corrections._due.clear()
        if corrections._greenlet is not None:
            corrections._greenlet.join()
    place.close()


def wait_for(condition: Callable[[], object], timeout_s: float = 5.0) -> None:
    with gevent.Timeout(timeout_s):
        while not condition():
            gevent.sleep(0.02)


def test_an_account_in_doubt_is_asked_about_once_for_many_answers(bench: Bench) -> None:
    (id_,) = bench.add("sim-basic-ok-minea")
    corrections = bench.corrections()
    for _ in range(20):
        corrections.note(id_, True)
    wait_for(lambda: bench.remaining(id_) == 80)
    assert bench.asked() == 1
    corrections.note(id_, True)
    wait_for(lambda: bench.asked() == 2, 3)  # once more after the last answer


def test_accounts_whose_number_is_known_and_high_are_hardly_asked_about(bench: Bench) -> None:
    ids = bench.add(*(f"sim-basic-ok-mine{number}" for number in range(10)))
    corrections = bench.corrections()
    for _ in range(3):
        for id_ in ids:
            corrections.note(id_, False)
        wait_for(lambda: all(bench.remaining(id_) == 80 for id_ in ids))
        gevent.sleep(0.3)
    assert bench.asked() == 10


@pytest.mark.parametrize(
    ("fault", "doubtful"),
    [("503", True), only_full("503", False), only_full("403_cloudflare", True), ("403_cloudflare", False)],
)
def test_a_long_outage_ends_with_true_numbers(bench: Bench, fault: str, doubtful: bool) -> None:
    secret = f"sim-basic-{fault}-minea.only.limits.times.8"
    (id_,) = bench.add(secret)
    corrections = bench.corrections()
    corrections.note(id_, doubtful)
    wait_for(lambda: bench.remaining(id_) == 80, 20)
    assert bench.asked(secret) == 9
    assert (bench.account(id_).failed_count, bench.account(id_).strikes) == (0, 0)


def test_while_upstream_is_away_it_is_not_asked_about_everybody(bench: Bench) -> None:
    ids = bench.add(*(f"sim-basic-503-mine{number}.only.limits" for number in range(30)))
    corrections = bench.corrections()
    for id_ in ids:
        corrections.note(id_, True)
    gevent.sleep(1.0)
    assert bench.asked() <= 4 * 4


def test_an_upstream_that_cannot_be_reached_is_waited_for(bench: Bench) -> None:
    (id_,) = bench.add("sim-basic-ok-minea")
    corrections = bench.corrections(f"http://127.0.0.1:{free_port()}")
    corrections.note(id_, True)
    gevent.sleep(0.5)
    assert bench.remaining(id_) is None and bench.account(id_).failed_count == 0


def test_a_refusal_in_the_background_is_no_strike_and_is_not_repeated(bench: Bench) -> None:
    (id_,) = bench.add("sim-basic-401-minea.only.limits")
    corrections = bench.corrections()
    corrections.note(id_, True)
    wait_for(lambda: bench.asked() == 1)
    gevent.sleep(1.0)
    assert bench.asked() == 1
    assert (bench.account(id_).strikes, bench.account(id_).expired_reason) == (0, None)


def test_a_dead_account_found_in_the_background_expires_and_is_not_asked_about_again(bench: Bench) -> None:
    (id_,) = bench.add("sim-basic-403_blocked-minea.only.limits")
    corrections = bench.corrections()
    corrections.note(id_, True)
    wait_for(lambda: bench.account(id_).expired_reason == "blocked")
    gevent.sleep(1.0)
    assert bench.asked() == 1 and bench.account(id_).failed_count == 1


@pytest.mark.parametrize("fault", ["429", "400_bad", "403_odd"])
def test_one_account_that_cannot_be_read_keeps_no_other_waiting_and_is_given_up(
    bench: Bench, fault: str
) -> None:
    secret = f"sim-basic-{fault}-minea.only.limits"
    bad, *good = bench.add(secret, *(f"sim-basic-ok-mine{number}" for number in range(8)))
    corrections = bench.corrections()
    for id_ in (bad, *good):
        corrections.note(id_, True)
    wait_for(lambda: all(bench.remaining(id_) == 80 for id_ in good), 2)
    wait_for(lambda: bench.asked(secret) > 1, 10)  # while it is being asked nothing is due, either
    wait_for(lambda: corrections._due == {}, 10)
    assert bench.asked(secret) <= 6


def test_a_deleted_account_is_given_up(bench: Bench) -> None:
    (id_,) = bench.add("sim-basic-ok-minea")
    corrections = bench.corrections()
    bench.store.accounts.delete([id_])
    corrections.note(id_, True)
    gevent.sleep(1.5)
    assert bench.asked() == 0 and corrections._due == {}


def test_a_super_account_is_good_although_its_heavy_quota_cannot_be_read(bench: Bench) -> None:
    (id_,) = bench.add("sim-super-malformed-mines.only.limits", tier=Tier.SUPER)
    quota = bench.quota()
    first = quota.check(id_)
    assert first is not None and first.error is not None  # both pools fail here
    (half,) = bench.add("sim-super-ok-minet", tier=Tier.SUPER)
    second = quota.check(half)
    assert second is not None and (second.remaining, second.error) == (80, None)


# --- the schedule ---


def test_old_numbers_are_refreshed_gently_and_new_ones_left_alone(bench: Bench) -> None:
    old, new = bench.add("sim-basic-ok-mineold", "sim-basic-ok-minenew")
    worker = bench.housekeeping()
    bench.quota().check(new)
    worker.tick()
    assert bench.remaining(old) == 80
    assert (bench.asked("sim-basic-ok-mineold"), bench.asked("sim-basic-ok-minenew")) == (1, 1)
    worker.tick()
    assert bench.asked() == 2
    bench.skew = 3601.0  # refresh_interval_minutes is 60
    worker.tick()
    assert bench.asked() == 4


def test_one_worker_of_the_deployment_does_it_and_another_takes_over(bench: Bench) -> None:
    one, other = bench.housekeeping(), bench.housekeeping()
    one.tick()
    bench.add("sim-basic-ok-minea")
    other.tick()
    assert bench.asked() == 0
    bench.skew = 21.0  # it has not been heard of since
    other.tick()
    assert bench.asked() == 1
    job = bench.store.jobs.get(NAME)
    assert job is not None and job.running(bench.now())
    other.stop()
    job = bench.store.jobs.get(NAME)
    assert job is not None and not job.running(bench.now())


def test_a_worker_that_was_replaced_ends_its_round(bench: Bench) -> None:
    ids = bench.add(*(f"sim-basic-ok-mine{number}" for number in range(10)))
    slow, quick = bench.housekeeping(), bench.housekeeping()
    round_ = gevent.spawn(slow.tick)
    wait_for(lambda: bench.asked() >= 1)
    bench.skew = 21.0
    quick_round = gevent.spawn(quick.tick)
    gevent.joinall([round_, quick_round], timeout=20, raise_error=True)
    assert all(bench.remaining(id_) == 80 for id_ in ids)
    assert bench.asked() <= 11, "both went through all of them"


def test_the_schedule_waits_while_upstream_is_in_the_way(bench: Bench) -> None:
    bench.add(*(f"sim-basic-403_cloudflare-mine{number}.only.limits" for number in range(5)))
    worker = bench.housekeeping()
    worker.tick()
    worker.tick()
    assert bench.asked() == 1


def test_void_leases_are_freed_in_a_quiet_time(bench: Bench) -> None:
    (id_,) = bench.add("sim-basic-ok-minea")
    worker = bench.housekeeping()
    assert bench.store.leases.lease(ANY, time.time()) is not None
    worker.tick()
    assert bench.account(id_).in_flight == 1
    bench.skew = 46.0
    worker.tick()
    assert bench.account(id_).in_flight == 0
    assert status_of(bench.account(id_), bench.now()) is Status.ACTIVE
