"""Upstream is down for a while: requests fail soon and clearly, no account pays for it, and all serves again after."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.gateway import Gateway
from tests.process.traffic import (
    Client,
    End,
    Traffic,
    add_accounts,
    listed,
    mixed,
    verify_the_books,
    wait_for_rest,
)
from tests.simulator.client import Simulator

#: What a request may take that fails because nobody listens upstream.
FAIL_S = 5.0


@pytest.mark.timeout(180)
def test_upstream_is_down_for_a_while(tmp_path: Path, full: bool) -> None:
    down_s = 30.0 if full else 2.0
    upstream = Simulator()
    with Gateway(tmp_path / "data", upstream.url) as own:
        try:
            add_accounts(own, 8)
            clients = [Client(c.stream, c.tokens, c.options, c.fresh, pause_s=0.1) for c in mixed(8, 8)]
            with Traffic(own.url, clients) as traffic:
                traffic.run_until(lambda: len(traffic.outcomes) > 20, 20)
                assert not traffic.bad(), traffic.summary()
                upstream.process.kill()
                upstream.stop()
                down_at = time.monotonic()
                time.sleep(down_s)
                states = {account["status"] for account in listed(own).values()}
                up_at = time.monotonic()
                upstream = Simulator(port=upstream.port)
                back_at = time.monotonic()
                asked = len(traffic.outcomes)
                traffic.run_until(lambda: len(traffic.outcomes) > asked + 20, 20)
            outcomes = traffic.outcomes
            wait_for_rest(own, 10)
            verify_the_books(own, upstream)
        finally:
            upstream.stop()
    during = [o for o in outcomes if down_at + 0.5 < o.began_at and o.ended_at < up_at]
    after = [o for o in outcomes if o.began_at > back_at]
    print(f"{len(during)} failed, in {max(o.took_s for o in during):.2f} s at most; {len(after)} after it")
    assert len(during) > 10 and {o.end for o in during} == {End.FAILED}, traffic.summary()
    assert {o.status for o in during} == {502}, {o.why for o in during}
    assert {o.code for o in during} == {"upstream_unreachable"}
    assert all("cannot be reached" in o.why for o in during)
    assert max(o.took_s for o in during) < FAIL_S
    assert states <= {"active", "unused"}, states  # nobody is made to pay for it
    cut = [o for o in outcomes if o.began_at < down_at < o.ended_at]
    assert cut and {o.end for o in cut} <= {End.OK, End.FAILED, End.BROKEN}
    late = {o.end for o in after}
    assert after and late == {End.OK}, traffic.summary()
