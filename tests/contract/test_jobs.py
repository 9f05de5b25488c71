"""Jobs: one runner in the whole deployment."""

from __future__ import annotations

from dataclasses import replace

from grok2api.storage.base import JOB_DEAD_S, Job, Store
from tests.contract.dealings import NOW
from tests.contract.places import Place


def test_there_is_no_job_before_the_first(store: Store) -> None:
    assert store.jobs.get("sweep") is None


def test_a_job_begins_once(store: Store, place: Place) -> None:
    begun = store.jobs.begin("sweep", "me", NOW)
    assert begun == Job("sweep", "me", NOW, NOW)
    other = place.open()
    assert other.jobs.begin("sweep", "you", NOW + 1) == begun
    assert other.jobs.begin("other", "you", NOW + 1).owner == "you"
    assert other.jobs.get("sweep") == begun and begun.running(NOW + 1)


def test_progress_is_seen_everywhere(store: Store, place: Place) -> None:
    job = store.jobs.begin("sweep", "me", NOW)
    job = replace(job, beat_at=NOW + 5.25, total=10, success=3, failed=1)
    assert store.jobs.beat(job)
    seen = place.open().jobs.get("sweep")
    assert seen == job and seen.current == 4


def test_a_runner_that_is_heard_of_keeps_its_job(store: Store) -> None:
    job = store.jobs.begin("sweep", "me", NOW)
    for step in range(1, 4):
        job = replace(job, beat_at=NOW + step * (JOB_DEAD_S - 1))
        assert store.jobs.beat(job)
        assert store.jobs.begin("sweep", "you", job.beat_at + 2).owner == "me"


def test_a_dead_runners_job_goes_to_the_next(store: Store) -> None:
    mine = store.jobs.begin("sweep", "me", NOW)
    later = NOW + JOB_DEAD_S
    assert not mine.running(later)
    yours = store.jobs.begin("sweep", "you", later)
    assert yours.owner == "you"
    assert not store.jobs.beat(replace(mine, beat_at=later, success=9)), "it is no longer mine"
    assert store.jobs.get("sweep") == yours


def test_a_job_that_ended_can_begin_again(store: Store) -> None:
    job = store.jobs.begin("sweep", "me", NOW)
    ended = replace(job, beat_at=NOW + 3, ended_at=NOW + 3, total=2, success=2)
    assert store.jobs.beat(ended)
    assert store.jobs.get("sweep") == ended and not ended.running(NOW + 3)
    assert store.jobs.begin("sweep", "you", NOW + 4) == Job("sweep", "you", NOW + 4, NOW + 4)


def test_nobody_beats_a_job_that_never_was(store: Store) -> None:
    assert not store.jobs.beat(Job("sweep", "me", NOW, NOW))
    assert store.jobs.get("sweep") is None
