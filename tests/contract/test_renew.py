"""Renewing leases: how long one holds its slot."""

from __future__ import annotations

from grok2api.accounts import LEASE_S
from grok2api.storage.base import Accounts
from tests.contract.dealings import NOW, account, add, chosen, end, in_flight, take, wanting
from tests.contract.places import Place

ALONE = wanting(max_in_flight=1)


def test_a_lease_holds_its_slot_until_it_is_void(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    take(accounts)
    assert chosen(accounts, ALONE, NOW + LEASE_S - 0.01) is None
    assert chosen(accounts, ALONE, NOW + LEASE_S) == id_


def test_a_renewed_lease_holds_on(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    lease = take(accounts)
    for step in range(1, 20):
        accounts.renew([lease.id], NOW + 15 * step)
        assert chosen(accounts, ALONE, NOW + 15 * step) is None
    last = NOW + 15 * 19
    assert chosen(accounts, ALONE, last + LEASE_S - 0.01) is None
    assert chosen(accounts, ALONE, last + LEASE_S) == id_


def test_many_leases_are_renewed_in_one_call(accounts: Accounts) -> None:
    add(accounts, 3)
    leases = [take(accounts) for _ in range(1200)]
    accounts.renew([lease.id for lease in leases], NOW + 40)
    take(accounts, at=NOW + LEASE_S + 1)
    assert in_flight(accounts) == 1201


def test_a_void_lease_is_not_revived(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    lease = take(accounts)
    accounts.renew([lease.id], NOW + LEASE_S)
    assert chosen(accounts, ALONE, NOW + LEASE_S) == id_
    accounts.renew([lease.id], NOW + LEASE_S)
    assert chosen(accounts, ALONE, NOW + LEASE_S) == id_


def test_settled_and_unknown_ids_are_left_alone(accounts: Accounts) -> None:
    add(accounts, 1)
    lease = take(accounts)
    end(accounts, lease)
    accounts.renew([lease.id, "0" * 32], NOW + 1)
    assert in_flight(accounts) == 0


def test_nothing_can_be_renewed(accounts: Accounts) -> None:
    accounts.renew([], NOW)


def test_a_void_lease_frees_its_slot_once_and_its_cost_stays_spent(accounts: Accounts, place: Place) -> None:
    (id_,) = add(accounts, 1)
    place.set_quota([id_], "default", 10, now=NOW)
    lost, held = take(accounts), take(accounts)
    accounts.renew([held.id], NOW + 40)
    later = NOW + LEASE_S + 1
    chosen(accounts, at=later)
    shown = account(accounts, id_)
    assert (shown.in_flight, shown.quotas["default"].remaining) == (1, 7)
    end(accounts, lost, at=later)
    end(accounts, lost, at=later)
    chosen(accounts, at=later)
    assert account(accounts, id_).in_flight == 1


def test_settling_a_void_lease_before_anyone_noticed_frees_it_once(accounts: Accounts) -> None:
    add(accounts, 1)
    lost, held = take(accounts), take(accounts)
    accounts.renew([held.id], NOW + 40)
    end(accounts, lost, at=NOW + LEASE_S + 1)
    chosen(accounts, at=NOW + LEASE_S + 1)
    assert in_flight(accounts) == 1


def test_a_crowd_of_void_leases_all_free_their_slots(accounts: Accounts) -> None:
    ids = add(accounts, 500)
    for _ in ids:
        take(accounts, ALONE)
    assert chosen(accounts, ALONE) is None
    later = NOW + LEASE_S
    assert {take(accounts, ALONE, later).account_id for _ in ids} == set(ids)
    assert chosen(accounts, ALONE, later) is None
