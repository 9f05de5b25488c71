"""The thread that does SQLite's writes: in order, without waiting for the loop, and not for those who have gone.

gevent's threads are real ones, so this runs in a process of its own, which is patched.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.gateway import ROOT

_PROGRAM = """
from gevent import monkey
monkey.patch_all()
import time
import gevent
from grok2api.storage.sql.writer import Writer

writer = Writer()
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
}


@pytest.mark.parametrize("case", CASES)
def test_writes(case: str) -> None:
    program = _PROGRAM + CASES[case] + "\nwriter.kill()\nprint('done')"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (0, "done\n"), ran.stderr
