"""Any sequence of dealings with a pool, against a plain model of its rules.

The model keeps what the rules speak of and nothing else. After each step the choice, the requests in
flight and the quota that the storage reports must be the model's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from grok2api.accounts import Lease, LeaseRequest, Outcome, Tier, settlement_for
from tests.contract.dealings import NOW, everyone
from tests.contract.places import POOLS, Place

LEASE_S, WINDOW_S, FULL = 45.0, 20 * 3600.0, 10**9
TIERS = (Tier.BASIC, Tier.SUPER)


@dataclass
class Standing:
    """An account in one quota pool. `rest`: until which client request and which time it sits out."""

    remaining: int | None = None
    window_ends_at: float | None = None
    cooldown_until: float = 0.0
    rest: tuple[int, float] | None = None

    def pass_time(self, now: float) -> None:
        if self.window_ends_at is not None and self.window_ends_at <= now:
            self.remaining = self.window_ends_at = None

    def spend(self, cost: int, now: float) -> None:
        if self.remaining is not None:
            self.remaining = max(0, self.remaining - cost)
            if self.remaining == 0 and self.window_ends_at is None:
                self.window_ends_at = now + WINDOW_S


@dataclass
class Modelled:
    id: int
    tier: Tier
    standings: dict[str, Standing] = field(default_factory=lambda: {pool: Standing() for pool in POOLS})
    leases: dict[str, float] = field(default_factory=dict)
    used_at: float = 0.0
    refusals: int = 0
    failures: int = 0
    requests: int = 0
    out: bool = False
    expired: bool = False


class Pool(RuleBasedStateMachine):
    place: Place
    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.accounts = self.place.store.accounts
        self.place.clear()
        self.now = NOW
        self.model: dict[int, Modelled] = {}
        self.requests = dict.fromkeys(POOLS, 0)

    # --- the operator, and time ---

    @rule(number=st.integers(0, 6), tier=st.sampled_from(TIERS))
    def add(self, number: int, tier: Tier) -> None:
        secret = f"secret-{number}"
        report = self.accounts.add([secret], tier, self.now)
        id_ = next(one.id for one in everyone(self.accounts) if one.secret == secret)
        if report.added:
            self.model[id_] = Modelled(id_, tier)
        assert bool(report.moved) == (self.model[id_].tier != tier)
        self.model[id_].tier = tier

    @rule(
        pick=st.integers(0, 6), pool=st.sampled_from(POOLS), remaining=st.integers(0, 6), window=st.booleans()
    )
    def learn_quota(self, pick: int, pool: str, remaining: int, window: bool) -> None:
        if self.model:
            account = list(self.model.values())[pick % len(self.model)]
            ends_at = self.now + 900 if window or remaining == 0 else None
            self.place.set_quota([account.id], pool, remaining, now=self.now, ends_at=ends_at)
            account.standings[pool].remaining = remaining
            account.standings[pool].window_ends_at = ends_at

    @rule(pick=st.integers(0, 40))
    def disable(self, pick: int) -> None:
        for account in list(self.model.values())[pick : pick + 1]:
            self.place.disable(account.id)
            account.out = True

    @rule(seconds=st.sampled_from((1, 1, 9, 14, 31, 46, 601, 900, 3600, 36_000, 72_001)))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    # --- leases ---

    @rule(
        target=leases,
        tiers=st.sampled_from((TIERS, TIERS, (Tier.SUPER,), (Tier.SUPER, Tier.BASIC))),
        pool=st.sampled_from(("default", "default", "heavy")),
        cost=st.sampled_from((1, 1, 4)),
        excluded=st.sets(st.integers(0, 6), max_size=2),
        max_in_flight=st.sampled_from((0, 0, 1, 2)),
        first=st.booleans(),
    )
    def lease(
        self,
        tiers: tuple[Tier, ...],
        pool: str,
        cost: int,
        excluded: set[int],
        max_in_flight: int,
        first: bool,
    ) -> Lease | None:
        exclude = tuple(id_ for number, id_ in enumerate(self.model) if number in excluded)
        wanted = LeaseRequest(tiers, pool, cost, exclude, max_in_flight, first)
        for account in self.model.values():
            account.leases = {id_: end for id_, end in account.leases.items() if end > self.now}
        self.requests[pool] += first
        best = self._best(wanted)
        lease = self.accounts.lease(wanted, self.now)
        assert (lease.account_id if lease else None) in (best or [None])
        if lease is not None:
            account = self.model[lease.account_id]
            assert lease.remaining_before == account.standings[pool].remaining
            account.standings[pool].spend(cost, self.now)
            account.leases[lease.id] = self.now + LEASE_S
            account.used_at = self.now
        return lease

    def _best(self, wanted: LeaseRequest) -> set[int]:
        """The accounts that the rules put first; more than one only where they are equal."""
        ranks: dict[int, tuple[Any, ...]] = {}
        for account in self.model.values():
            standing = account.standings[wanted.pool]
            standing.pass_time(self.now)
            left = FULL if standing.remaining is None else standing.remaining
            fit = (
                not (account.out or account.expired)
                and account.id not in wanted.exclude
                and account.tier in wanted.tiers
                and standing.cooldown_until <= self.now
                and left >= wanted.cost
                and (not wanted.max_in_flight or len(account.leases) < wanted.max_in_flight)
            )
            if fit:
                preferred = wanted.tiers.index(account.tier)
                rests = self._rests(standing, wanted.pool)
                ranks[account.id] = (rests, preferred, len(account.leases), -left, account.used_at)
        return {id_ for id_, rank in ranks.items() if rank == min(ranks.values())}

    def _rests(self, standing: Standing, pool: str) -> bool:
        if standing.rest is None:
            return False
        request, until = standing.rest
        return self.requests[pool] <= request and self.now < until

    @rule(held=st.sets(leases, max_size=4))
    def renew(self, held: set[Lease | None]) -> None:
        self.accounts.renew([lease.id for lease in held if lease], self.now)
        for account in self.model.values():
            for lease in filter(None, held):
                if account.leases.get(lease.id, 0) > self.now:
                    account.leases[lease.id] = self.now + LEASE_S

    @rule(
        lease=consumes(leases) | leases,
        outcome=st.sampled_from(Outcome),
        wait_s=st.sampled_from((None, None, 0.0, 5.0, 700.0)),
        gone=st.booleans(),
        used=st.sampled_from((None, None, 6)),
    )
    def settle(
        self, lease: Lease | None, outcome: Outcome, wait_s: float | None, gone: bool, used: int | None
    ) -> None:
        if lease is None:
            return
        settlement = settlement_for(outcome, lease, reason="said", used=used, wait_s=wait_s, exhausted=gone)
        self.accounts.settle(lease, settlement, self.now)
        account = self.model[lease.account_id]
        standing = account.standings[lease.pool]
        account.leases.pop(lease.id, None)
        account.requests += 1
        for each in account.standings.values():
            each.pass_time(self.now)
        if used is not None and used > lease.cost:
            standing.spend(used - lease.cost, self.now)
        match outcome:
            case Outcome.SUCCESS:
                account.refusals = account.failures = 0
                standing.rest = None
                return
            case Outcome.ABANDONED | Outcome.OUR_FAULT | Outcome.CHALLENGED:
                return
            case Outcome.UNAUTHORIZED:
                account.refusals += 1
                account.expired |= account.refusals >= 3
            case Outcome.DEAD:
                account.expired = True
            case Outcome.CAPACITY:
                self._cool(standing, min(10.0, 10.0 if wait_s is None else wait_s))
            case Outcome.RATE_LIMITED:
                gone = gone or (lease.remaining_before is not None and lease.remaining_before <= lease.cost)
                seconds = wait_s or (36_000.0 if gone else 3600.0)
                self._cool(standing, seconds)
                if gone:
                    standing.remaining, standing.window_ends_at = 0, self.now + seconds
            case Outcome.FAILED:
                standing.rest = (self.requests[lease.pool] + 5, self.now + 600)
        account.failures += 1
        if outcome not in (Outcome.UNAUTHORIZED, Outcome.DEAD):
            account.refusals = 0

    def _cool(self, standing: Standing, seconds: float) -> None:
        standing.cooldown_until = max(standing.cooldown_until, self.now + seconds)

    # --- after each step ---

    @invariant()
    def storage_and_model_agree(self) -> None:
        shown = {one.id: one for one in everyone(self.accounts)}
        assert shown.keys() == self.model.keys()
        for id_, account in self.model.items():
            one = shown[id_]
            assert (one.tier, one.disabled, one.expired_reason is not None) == (
                account.tier,
                account.out,
                account.expired,
            )
            assert one.in_flight == len(account.leases)
            assert (one.request_count, one.failed_count) == (account.requests, account.failures)
            for pool, standing in account.standings.items():
                standing.pass_time(self.now)
                quota = one.quotas[pool]
                over = quota.window_ends_at is not None and quota.window_ends_at <= self.now
                assert (None if over else quota.remaining) == standing.remaining
                cooling = quota.cooldown_until or 0.0
                assert max(cooling, self.now) == max(standing.cooldown_until, self.now)


def test_any_dealings_keep_the_rules(place: Place, full: bool) -> None:
    here: type[Pool] = type("PoolHere", (Pool,), {"place": place})
    run_state_machine_as_test(
        here,
        settings=settings(
            max_examples=1000 if full else 40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
