"""The lock of MySQL's writers: one at a time, in the order of asking, and nobody's death stops the others."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from grok2api.storage.sql.turn import Turn
from tests.gateway import ROOT, clean_environ


def test_one_at_a_time() -> None:
    turn, inside, seen = Turn(), 0, []

    def work() -> None:
        nonlocal inside
        for _ in range(50):
            with turn:
                inside += 1
                seen.append(inside)
                time.sleep(0)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 400


def test_who_asks_again_comes_after_those_who_wait() -> None:
    turn, order = Turn(), []

    def work(number: int) -> None:
        with turn:
            order.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    with turn:
        for number, thread in enumerate(threads):
            thread.start()
            while len(turn._waiting) <= number:
                time.sleep(0.001)
    with turn:
        order.append(99)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4, 99]


#: Kills greenlets that wait, one of which has been given its turn just before.
KILLED = """
from gevent import monkey; monkey.patch_all()
import gevent
from grok2api.storage.sql.turn import Turn

turn, order = Turn(), []

def work(number):
    with turn:
        order.append(number)

turn.__enter__()
waiting = [gevent.spawn(work, number) for number in range(4)]
gevent.sleep(0)
waiting[1].kill()
turn.__exit__()
waiting[0].kill(block=False)
gevent.joinall(waiting, timeout=5)
with gevent.Timeout(5), turn:
    order.append("free")
print(order)
"""


def test_who_is_killed_while_waiting_passes_the_turn_on() -> None:
    command = [sys.executable, "-c", KILLED]
    done = subprocess.run(command, cwd=ROOT, env=clean_environ(), capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout in ("[2, 3, 'free']\n", "[0, 2, 3, 'free']\n")
