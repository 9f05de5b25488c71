"""What the contract's tests run in processes of their own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from random import Random
from typing import Any

from grok2api.accounts import LEASE_S, Lease, LeaseRequest, Outcome
from grok2api.client_keys import KeyEdit
from grok2api.env import Env
from grok2api.media import Kind, MediaItem
from grok2api.storage.base import RESPONSE_KEPT_S, StoredResponse
from grok2api.storage.clients import RequestEntry
from grok2api.storage.oversight import UsageCount
from tests.contract.dealings import NOW, end
from tests.contract.places import open_at


def in_processes(count: int, work: Callable[..., Any], *args: Any) -> list[Any]:
    """What `work(*args, number)` returns in each of so many new processes, started together."""
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(count)
    with spawn.Pool(count, initializer=_set_barrier, initargs=(barrier,)) as pool:
        jobs = [pool.apply_async(_at_once, (work, (*args, number))) for number in range(count)]
        return [job.get(timeout=90) for job in jobs]


_barrier: Any = None


def _set_barrier(barrier: Any) -> None:
    global _barrier
    _barrier = barrier


def _at_once(work: Callable[..., Any], args: Sequence[Any]) -> Any:
    _barrier.wait(timeout=60)
    return work(*args)


def open_and_close(env: Env, number: int) -> None:
    open_at(env).close()


def take_all(
    env: Env, wanted: LeaseRequest, outcomes: Sequence[Outcome], number: int
) -> list[tuple[int, int | None]]:
    """Take until there is none, ending each at once; the accounts and what each had before."""
    taken: list[tuple[int, int | None]] = []
    with closing(open_at(env)) as store:
        while (lease := store.leases.lease(wanted, NOW + number)) is not None:
            taken.append((lease.account_id, lease.remaining_before))
            end(store, lease, outcomes[len(taken) % len(outcomes)], NOW + number)
    return taken


def hold_all(env: Env, wanted: LeaseRequest, number: int) -> list[Lease]:
    """Take until there is none and keep them."""
    held: list[Lease] = []
    with closing(open_at(env)) as store:
        while (lease := store.leases.lease(wanted, NOW)) is not None:
            held.append(lease)
    return held


def take_and_end(env: Env, wanted: LeaseRequest, times: int, number: int) -> tuple[float, float]:
    """Seconds that so many leases and settlements took, and the longest of them."""
    longest = 0.0
    with closing(open_at(env)) as store:
        began = time.perf_counter()
        for step in range(times):
            started = time.perf_counter()
            lease = store.leases.lease(wanted, NOW + step * LEASE_S / times)
            assert lease is not None
            end(store, lease, Outcome.SUCCESS, NOW + step * LEASE_S / times)
            longest = max(longest, time.perf_counter() - started)
        return time.perf_counter() - began, longest


def save_responses(env: Env, times: int, number: int) -> list[StoredResponse]:
    """Save so many of one's own, and each time one that all save, and find it."""
    mine = [
        StoredResponse(f"resp_{number}_{time}", f"owner {number}", b"body", NOW + RESPONSE_KEPT_S)
        for time in range(times)
    ]
    with closing(open_at(env)) as store:
        for response in mine:
            store.responses.save(response)
            store.responses.save(replace(response, id="resp_shared", owner="all"))
            assert store.responses.get("resp_shared", "all", NOW) is not None
    return mine


def add_media(env: Env, times: int, number: int) -> list[MediaItem]:
    """Add so many of one's own, and each time some that all add, and find them."""
    mine = [MediaItem(f"users/{number}/{time}.jpg", Kind.IMAGE, number, NOW + time) for time in range(times)]
    shared = [MediaItem(f"users/shared/{n}.mp4", Kind.VIDEO, number, NOW + number) for n in range(5)]
    with closing(open_at(env)) as store:
        for time, item in enumerate(mine):
            store.media.add([item, *shared[:: 1 if (time + number) % 2 else -1]])
            assert store.media.get(item.path) == item
            assert store.media.get(shared[0].path) is not None
    return mine


def count_usage(env: Env, times: int, number: int) -> None:
    """Count so often the same things as all do, in an order of one's own."""
    counts = [
        UsageCount(span, 900 * at, f"name {name}", 1)
        for span in (60, 900)
        for at in (1, 2)
        for name in range(10)
    ]
    mixed = Random(number)
    with closing(open_at(env)) as store:
        for _ in range(times):
            store.usage.add(mixed.sample(counts, len(counts)))


def attempt_logins(env: Env, times: int, number: int) -> int:
    """How many of so many attempts from different addresses may go ahead."""
    with closing(open_at(env)) as store:
        waits = [store.logins.attempt(f"{number}.{n}", "admin", NOW) for n in range(times)]
    return waits.count(0.0)


def take_keys(env: Env, ids: Sequence[int], times: int, now: float, number: int) -> dict[int, int]:
    """How many of so many requests with each key may go ahead."""
    with closing(open_at(env)) as store:
        waits = {id_: [store.keys.take(id_, now + number) for _ in range(times)] for id_ in ids}
    return {id_: of_key.count(0.0) for id_, of_key in waits.items()}


def note_uses(env: Env, ids: Sequence[int], times: int, number: int) -> None:
    """Note so often one use of each, in an order of one's own; one process edits the keys as often."""
    mixed = Random(number)
    with closing(open_at(env)) as store:
        for at in range(times):
            store.keys.note_used(dict.fromkeys(mixed.sample(ids, len(ids)), (1, 1700006400.0 + at)))
            if number == 0:
                store.keys.edit(mixed.sample(ids, len(ids)), KeyEdit(name=f"name {at}"))


def log_requests(env: Env, times: int, number: int) -> list[RequestEntry]:
    """Add so many batches of one's own, and forget old ones each time."""
    mine = [
        [RequestEntry(NOW + at, f"{number}-{at}-{n}", {"text": "x" * 500}) for n in range(20)]
        for at in range(times)
    ]
    with closing(open_at(env)) as store:
        for batch in mine:
            store.requests.add([*batch, RequestEntry(NOW - 1, "old", {})])
            store.requests.forget_older(NOW, 10**6)
    return [one for batch in mine for one in batch]
