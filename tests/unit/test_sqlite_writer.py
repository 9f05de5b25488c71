"""The thread that does SQLite's writes: in order, without waiting for the loop, and not for those who have gone; brief
ones that wait share a transaction, and no more than that.

gevent's threads are real ones, so this runs in a process of its own, which is patched.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway import ROOT

_PROGRAM = """
from gevent import monkey
monkey.patch_all()
import time
import gevent
from grok2api.storage.sql.writer import Writer

turns = []

def together(works):
    turns.append(len(works))
    return [work() for work in works]

writer = Writer(together)
done = []

def work(number, seconds=0.0):
    def run():
        monkey.get_original("time", "sleep")(seconds)
        done.append(number)
        return number * 10
    return run
"""

CASES = {
    "in_order_with_what_each_gave": """
jobs = [gevent.spawn(writer.apply, work(number)) for number in range(200)]
gevent.joinall(jobs)
assert done == list(range(200)), done
assert [job.value for job in jobs] == [number * 10 for number in range(200)]
assert writer.apply(work(7)) == 70
""",
    "without_waiting_for_a_loop_that_is_busy": """
jobs = [gevent.spawn(writer.apply, work(number, 0.001)) for number in range(50)]
gevent.sleep(0)
until = time.monotonic() + 5
while len(done) < 50 and time.monotonic() < until:
    pass  # the loop does not run
assert len(done) == 50, len(done)
gevent.joinall(jobs, raise_error=True)
""",
    "who_has_gone_before_its_turn_did_nothing": """
first = gevent.spawn(writer.apply, work(1, 0.3))
second = gevent.spawn(writer.apply, work(2))
third = gevent.spawn(writer.apply, work(3))
gevent.sleep(0.05)
second.kill()
gevent.joinall([first, third], raise_error=True)
assert done == [1, 3], done
""",
    "what_raises_is_raised_and_ends_nothing": """
def fail():
    raise ZeroDivisionError("of this one")

first = gevent.spawn(writer.apply, work(1, 0.1))
try:
    writer.apply(fail)
except ZeroDivisionError as error:
    assert str(error) == "of this one"
else:
    raise AssertionError
assert writer.apply(work(2)) == 20
assert done == [1, 2], done
""",
    "who_goes_in_its_turn_has_done_it": """
first = gevent.spawn(writer.apply, work(1, 0.2))
gevent.sleep(0.05)
first.kill()
assert writer.apply(work(2)) == 20
assert done == [1, 2], done
""",
    "brief_ones_that_wait_together_and_the_others_alone": """
first = gevent.spawn(writer.apply, work(1, 0.2))
gevent.sleep(0.05)
brief = [gevent.spawn(writer.apply_brief, work(number)) for number in (2, 3)]
alone = gevent.spawn(writer.apply, work(4))
after = gevent.spawn(writer.apply_brief, work(5))
gone = gevent.spawn(writer.apply_brief, work(6))
gevent.sleep(0)
gone.kill()
gevent.joinall([first, *brief, alone, after], raise_error=True)
assert done == [1, 2, 3, 4, 5], done
assert turns == [2, 1], turns
assert [job.value for job in brief] == [20, 30] and after.value == 50
""",
    "not_more_together_than_may_be": """
first = gevent.spawn(writer.apply, work(1, 0.2))
gevent.sleep(0.05)
brief = [gevent.spawn(writer.apply_brief, work(number)) for number in range(2, 72)]
gevent.joinall([first, *brief], raise_error=True)
assert done == list(range(1, 72)), done
assert turns == [32, 32, 6], turns
""",
    "what_raises_of_all_is_raised_for_each": """
def fail():
    raise ZeroDivisionError

first = gevent.spawn(writer.apply, work(1, 0.1))
gevent.sleep(0.05)
brief = [gevent.spawn(writer.apply_brief, job) for job in (work(2), fail)]
gevent.joinall([first, *brief])
assert [type(job.exception) for job in brief] == [ZeroDivisionError] * 2
assert writer.apply_brief(work(3)) == 30
""",
}

_STORE = """
from gevent import monkey
monkey.patch_all()
import sqlite3, time
import gevent
from flask import Flask
from sqlalchemy import text
from grok2api.env import Env
from grok2api.errors import StorageUnavailable
from grok2api.storage.sql import sqlite
from grok2api.storage.vault import Vault

env = Env.from_environ()
store = sqlite.open_store(Flask("test"), env, ("default",), Vault(env.secret_key), lock_wait_s=1.0)
runner = store.leases._runner
path = sqlite.database_path(env)
ran = []

def count(name, more=lambda connection: None):
    def work(connection):
        ran.append(name)
        connection.execute(text("INSERT INTO counters (name, value) VALUES (:name, 1)"), {"name": name})
        more(connection)
        return name
    return work

def at_once(*works):
    # Behind something that takes a while, so that they wait one behind the other.
    slow = gevent.spawn(runner._writer.apply, lambda: monkey.get_original("time", "sleep")(0.2))
    gevent.sleep(0.05)
    jobs = [gevent.spawn(runner.write, work, brief=True) for work in works]
    gevent.joinall([slow, *jobs])
    return [type(job.exception) if job.exception else job.value for job in jobs]

def stored():
    with sqlite3.connect(path) as connection:
        return {name for name, in connection.execute("SELECT name FROM counters")} & {"a", "b", "c"}

def fail(connection):
    raise ZeroDivisionError
"""

STORED = {
    "in_one_transaction": """
began = []
real = sqlite._transaction
sqlite._transaction = lambda engine, begin: (began.append(begin), real(engine, begin))[1]
assert at_once(count("a"), count("b"), count("c")) == ["a", "b", "c"]
assert len(began) == 1, began
assert stored() == {"a", "b", "c"}
""",
    "one_that_raises_undoes_itself_alone": """
assert at_once(count("a"), count("b", fail), count("c")) == ["a", ZeroDivisionError, "c"]
assert stored() == {"a", "c"}
""",
    "one_that_the_database_refuses_too": """
assert at_once(count("a"), count("a"), count("c")) == ["a", StorageUnavailable, "c"]
assert stored() == {"a", "c"}
""",
    "a_lock_of_another_process_is_waited_for_once": """
other = sqlite3.connect(path, isolation_level=None)
other.execute("BEGIN IMMEDIATE")
began = time.monotonic()
assert at_once(*map(count, "abcdefghijkl")) == [StorageUnavailable] * 12
took = time.monotonic() - began
other.execute("ROLLBACK")
assert ran == [] and 1 < took < 6, (ran, took)
""",
}


@pytest.mark.parametrize("case", CASES)
def test_writes(case: str) -> None:
    _run(_PROGRAM + CASES[case] + "\nwriter.kill()\nprint('done')")


@pytest.mark.parametrize("case", STORED)
def test_brief_ones_are_stored(case: str, tmp_path: Path) -> None:
    _run(_STORE + STORED[case] + "\nstore.close()\nprint('done')", GROK2API_DATA_DIR=str(tmp_path))


def _run(program: str, **variables: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | variables,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (0, "done\n"), ran.stderr
