"""Any sequence of dealings with a pool, against a plain model of its rules.

The model keeps what the rules speak of and nothing else. After each step the choice, the requests in
flight and the quota that the storage reports must be the model's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
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

from grok2api.accounts import (
    AccountEdit,
    Check,
    Finding,
    Lease,
    LeaseRequest,
    Outcome,
    QuotaReading,
    Tier,
    settlement_for,
)
from tests.contract.dealings import NOW, everyone
from tests.contract.places import POOLS, Place

LEASE_S, WINDOW_S, FULL, DAY_S = 45.0, 20 * 3600.0, 10**9, 24 * 3600.0
TIERS = (Tier.BASIC, Tier.SUPER)


@dataclass
class Standing:
    """An account in one quota pool. `rest`: until which client request and which time it sits out."""

    remaining: int | None = None
    window_ends_at: float | None = None
    cooldown_until: float = 0.0
    rest: tuple[int, float] | None = None
    taken: int = 0

    def pass_time(self, now: float) -> None:
        if self.window_ends_at is not None and self.window_ends_at <= now:
            self.remaining = self.window_ends_at = None

    def spend(self, cost: int, now: float) -> None:
        self.taken += cost
        if self.remaining is not None:
            self.remaining = max(0, self.remaining - cost)
            if self.remaining == 0 and self.window_ends_at is None:
                self.window_ends_at = now + WINDOW_S

    def give_back(self, cost: int) -> None:
        self.taken -= cost
        if self.remaining is not None:
            self.remaining += cost


@dataclass
class Modelled:
    id: int
    tier: Tier
    standings: dict[str, Standing] = field(default_factory=lambda: {pool: Standing() for pool in POOLS})
    leases: dict[str, float] = field(default_factory=dict)
    void: dict[str, float] = field(default_factory=dict)
    costs: dict[str, tuple[str, int]] = field(default_factory=dict)
    checked_at: float = 0.0
    used_at: float = 0.0
    refusals: int = 0
    failures: int = 0
    requests: int = 0
    out: bool = False
    expired: str | None = None


class Dealings(RuleBasedStateMachine):
    place: Place
    leases = Bundle("leases")
    checks = Bundle("checks")

    def __init__(self) -> None:
        super().__init__()
        self.store = self.place.store
        self.place.clear()
        self.now = NOW
        self.model: dict[int, Modelled] = {}
        self.requests = dict.fromkeys(POOLS, 0)

    # --- the operator, and time ---

    @rule(number=st.integers(0, 6), tier=st.sampled_from(TIERS))
    def add(self, number: int, tier: Tier) -> None:
        secret = f"secret-{number}"
        report = self.store.accounts.add([secret], tier, self.now)
        id_ = next(one.id for one in everyone(self.store) if one.secret == secret)
        if report.added:
            assert id_ > max(self.model, default=0)
            self.model[id_] = Modelled(id_, tier)
        assert bool(report.moved) == (self.model[id_].tier != tier)
        self.model[id_].tier = tier

    @rule(pick=st.integers(0, 30), disabled=st.sampled_from((None, True, False, False)), lift=st.booleans())
    def edit(self, pick: int, disabled: bool | None, lift: bool) -> None:
        for account in list(self.model.values())[pick : pick + 1]:
            edit = AccountEdit(disabled=disabled, lift=lift)
            assert self.store.accounts.edit([account.id], edit, self.now) == 1
            account.out = account.out if disabled is None else disabled
            for standing in account.standings.values():
                standing.pass_time(self.now)
            if lift:
                account.refusals = account.failures = 0
                for standing in account.standings.values():
                    standing.cooldown_until, standing.rest = 0.0, None
                    if standing.remaining == 0:
                        standing.remaining = standing.window_ends_at = None

    @rule(pick=st.integers(0, 60))
    def delete(self, pick: int) -> None:
        for account in list(self.model.values())[pick : pick + 1]:
            assert self.store.accounts.delete([account.id, account.id + 1000]) == 1
            del self.model[account.id]

    @rule()
    def heal(self) -> None:
        self.store.leases.heal(self.now)
        self._void_leases()
        for account in self.model.values():
            account.void = {id_: at for id_, at in account.void.items() if at > self.now - DAY_S}

    # --- checks ---

    @rule(target=checks, pick=st.integers(0, 6), since_s=st.sampled_from((0, 0, 20)))
    def begin_check(self, pick: int, since_s: int) -> tuple[Check, dict[str, int]] | None:
        if not self.model:
            return None
        account = list(self.model.values())[pick % len(self.model)]
        check = self.store.leases.begin_check(account.id, self.now, self.now - since_s)
        assert (check is None) == (account.checked_at > self.now - since_s)
        if check is None:
            return None
        self._void_leases()
        account.checked_at = self.now
        settled = {pool: standing.taken for pool, standing in account.standings.items()}
        for id_ in account.leases:
            pool, cost = account.costs[id_]
            settled[pool] -= cost
        assert check.settled == settled and check.tier == account.tier
        return check, settled

    @rule(
        begun=consumes(checks) | checks,
        remaining=st.integers(0, 12),
        window_s=st.sampled_from((None, 900.0)),
        good=st.booleans(),
        refused=st.sampled_from((None, None, "refused", "blocked", "deleted")),
    )
    def end_check(
        self,
        begun: tuple[Check, dict[str, int]] | None,
        remaining: int,
        window_s: float | None,
        good: bool,
        refused: str | None,
    ) -> None:
        if begun is None:
            return
        check, settled = begun
        ends_at = None if window_s is None else self.now + window_s
        finding = Finding({"default": QuotaReading(remaining, ends_at)}, good=good)
        if refused == "refused":
            finding = Finding(failure="refused", strike_limit=3)
        elif refused:
            finding = Finding(failure=refused, expire=refused)
        self.store.leases.end_check(check, finding, self.now)
        account = self.model.get(check.account_id)
        if account is None:
            return
        for standing in account.standings.values():
            standing.pass_time(self.now)
        if refused:
            account.failures += 1
            account.refusals += refused == "refused"
            if refused != "refused":
                account.expired = account.expired if account.expired == "blocked" else refused
            elif account.refusals >= 3:
                account.expired = account.expired or refused
            return
        standing = account.standings["default"]
        standing.remaining = max(0, remaining - (standing.taken - settled["default"]))
        standing.window_ends_at = ends_at
        if standing.remaining == 0 and ends_at is None:
            standing.window_ends_at = self.now + WINDOW_S
        if good:
            account.refusals = account.failures = 0
            if account.expired != "blocked":
                account.expired = None

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
        self._void_leases()
        self.requests[pool] += first
        best = self._best(wanted)
        lease = self.store.leases.lease(wanted, self.now)
        assert (lease.account_id if lease else None) in (best or [None])
        if lease is not None:
            account = self.model[lease.account_id]
            assert lease.remaining_before == account.standings[pool].remaining
            account.standings[pool].spend(cost, self.now)
            account.leases[lease.id] = self.now + LEASE_S
            account.costs[lease.id] = (pool, cost)
            account.used_at = self.now
        return lease

    def _void_leases(self) -> None:
        for account in self.model.values():
            over = [id_ for id_, end in account.leases.items() if end <= self.now]
            account.leases = {id_: end for id_, end in account.leases.items() if id_ not in over}
            account.void |= dict.fromkeys(over, self.now)

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
        self.store.leases.renew([lease.id for lease in held if lease], self.now)
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
        self.store.leases.settle(lease, settlement, self.now)
        if lease.account_id not in self.model:
            return
        account = self.model[lease.account_id]
        standing = account.standings[lease.pool]
        held = account.leases.pop(lease.id, None)
        if held is None and account.void.pop(lease.id, None) is None:
            return  # it was settled before
        account.requests += 1
        for each in account.standings.values():
            each.pass_time(self.now)
        if outcome is Outcome.CHALLENGED:
            if held is not None:
                standing.give_back(lease.cost)
        elif used is not None and used > lease.cost:
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
                account.expired = account.expired or ("said" if account.refusals >= 3 else None)
            case Outcome.DEAD:
                account.expired = account.expired if account.expired == "blocked" else "said"
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
        shown = {one.id: one for one in everyone(self.store)}
        assert shown.keys() == self.model.keys()
        for id_, account in self.model.items():
            one = shown[id_]
            assert (one.tier, one.disabled, one.expired_reason) == (
                account.tier,
                account.out,
                account.expired,
            )
            assert one.in_flight == len(account.leases)
            assert (one.request_count, one.failed_count) == (account.requests, account.failures)
            assert (one.strikes, one.checked_at) == (account.refusals, account.checked_at or None)
            for pool, standing in account.standings.items():
                standing.pass_time(self.now)
                quota = one.quotas[pool]
                over = quota.window_ends_at is not None and quota.window_ends_at <= self.now
                assert (None if over else quota.remaining) == standing.remaining
                cooling = quota.cooldown_until or 0.0
                assert max(cooling, self.now) == max(standing.cooldown_until, self.now)


@pytest.mark.timeout(900)
def test_any_dealings_keep_the_rules(place: Place, full: bool) -> None:
    here: type[Dealings] = type("DealingsHere", (Dealings,), {"place": place})
    run_state_machine_as_test(
        here,
        settings=settings(
            max_examples=1000 if full else 25,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
