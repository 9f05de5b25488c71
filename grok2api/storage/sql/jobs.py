"""Jobs in SQL: a row for the last run of each name."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from grok2api.storage.base import Job, Jobs
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.tables import JobRow, table_of

_jobs = table_of(JobRow)


class SqlJobs(Jobs):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def begin(self, name: str, owner: str, now: float) -> Job:
        def work(connection: Connection) -> Job:
            last = _get(connection, name)
            if last is not None and last.running(now):
                return last
            new = Job(name, owner, started_at=now, beat_at=now)
            connection.execute(delete(_jobs).where(_jobs.c.name == name))
            connection.execute(insert(_jobs).values(**vars(new)))
            return new

        return self._runner.write(work)

    def beat(self, job: Job) -> bool:
        query = update(_jobs).where(_jobs.c.name == job.name, _jobs.c.owner == job.owner)
        changes = {"beat_at", "ended_at", "total", "success", "failed"}
        query = query.values({name: value for name, value in vars(job).items() if name in changes})
        return self._runner.write(lambda connection: bool(connection.execute(query).rowcount))

    def get(self, name: str) -> Job | None:
        return self._runner.read(lambda connection: _get(connection, name))


def _get(connection: Connection, name: str) -> Job | None:
    row = connection.execute(select(_jobs).where(_jobs.c.name == name)).mappings().one_or_none()
    return Job(**row) if row is not None else None
