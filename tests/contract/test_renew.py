"""Renewing leases: how long one holds its slot."""

from __future__ import annotations

from grok2api.accounts import LEASE_S
from grok2api.storage.base import Store
from tests.contract.dealings import NOW, account, add, chosen, end, in_flight, set_quota, take, wanting
from tests.contract.places import Place

ALONE = wanting(max_in_flight=1)


def test_a_lease_holds_its_slot_until_it_is_void(store: Store) -> None:
    (id_,) = add(store, 1)
    take(store)
    assert chosen(store, ALONE, NOW + LEASE_S - 0.01) is None
    assert chosen(store, ALONE, NOW + LEASE_S) == id_


def test_a_renewed_lease_holds_on(store: Store) -> None:
    (id_,) = add(store, 1)
    lease = take(store)
    for step in range(1, 20):
        store.leases.renew([lease.id], NOW + 15 * step)
        assert chosen(store, ALONE, NOW + 15 * step) is None
    last = NOW + 15 * 19
    assert chosen(store, ALONE, last + LEASE_S - 0.01) is None
    assert chosen(store, ALONE, last + LEASE_S) == id_


def test_many_leases_are_renewed_in_one_call(store: Store) -> None:
    add(store, 3)
    leases = [take(store) for _ in range(1200)]
    store.leases.renew([lease.id for lease in leases], NOW + 40)
    take(store, at=NOW + LEASE_S + 1)
    assert in_flight(store) == 1201


def test_a_void_lease_is_not_revived(store: Store) -> None:
    (id_,) = add(store, 1)
    lease = take(store)
    store.leases.renew([lease.id], NOW + LEASE_S)
    assert chosen(store, ALONE, NOW + LEASE_S) == id_
    store.leases.renew([lease.id], NOW + LEASE_S)
    assert chosen(store, ALONE, NOW + LEASE_S) == id_


def test_settled_and_unknown_ids_are_left_alone(store: Store) -> None:
    add(store, 1)
    lease = take(store)
    end(store, lease)
    store.leases.renew([lease.id, "0" * 32], NOW + 1)
    assert in_flight(store) == 0


def test_nothing_can_be_renewed(store: Store) -> None:
    store.leases.renew([], NOW)


def test_a_void_lease_frees_its_slot_once_and_its_cost_stays_spent(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 10, now=NOW)
    lost, held = take(store), take(store)
    store.leases.renew([held.id], NOW + 40)
    later = NOW + LEASE_S + 1
    chosen(store, at=later)
    shown = account(store, id_)
    assert (shown.in_flight, shown.quotas["default"].remaining) == (1, 7)
    end(store, lost, at=later)
    end(store, lost, at=later)
    chosen(store, at=later)
    assert account(store, id_).in_flight == 1


def test_settling_a_void_lease_before_anyone_noticed_frees_it_once(store: Store) -> None:
    add(store, 1)
    lost, held = take(store), take(store)
    store.leases.renew([held.id], NOW + 40)
    end(store, lost, at=NOW + LEASE_S + 1)
    chosen(store, at=NOW + LEASE_S + 1)
    assert in_flight(store) == 1


def test_a_crowd_of_void_leases_all_free_their_slots(store: Store) -> None:
    ids = add(store, 500)
    for _ in ids:
        take(store, ALONE)
    assert chosen(store, ALONE) is None
    later = NOW + LEASE_S
    assert {take(store, ALONE, later).account_id for _ in ids} == set(ids)
    assert chosen(store, ALONE, later) is None
