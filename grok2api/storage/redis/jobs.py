"""Jobs in Redis: a hash for the last run of each name."""

from __future__ import annotations

from collections.abc import Mapping

from grok2api.storage.base import Job, Jobs
from grok2api.storage.redis.client import Client, pairs, text
from grok2api.storage.redis.keys import Key


class RedisJobs(Jobs):
    def __init__(self, client: Client) -> None:
        self._client = client

    def begin(self, name: str, owner: str, now: float) -> Job:
        new = Job(name, owner, started_at=now, beat_at=now)
        fields = ["owner", owner, "started_at", text(now), *_progress(new)]
        running = self._client.run("begin_job", name, text(now), *fields)
        return _job(name, pairs(running)) if running else new

    def beat(self, job: Job) -> bool:
        return bool(self._client.run("beat_job", job.name, job.owner, *_progress(job)))

    def get(self, name: str) -> Job | None:
        found = self._client.command("HGETALL", Key.JOB + name)
        return _job(name, found) if found else None


def _progress(job: Job) -> list[str]:
    names = ("beat_at", "ended_at", "total", "success", "failed")
    return [part for name in names for part in (name, text(getattr(job, name)))]


def _job(name: str, found: Mapping[str, str]) -> Job:
    return Job(
        name,
        found["owner"],
        started_at=float(found["started_at"]),
        beat_at=float(found["beat_at"]),
        ended_at=float(found["ended_at"]) if found["ended_at"] else None,
        total=int(found["total"]),
        success=int(found["success"]),
        failed=int(found["failed"]),
    )
