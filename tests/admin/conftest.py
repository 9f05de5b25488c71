"""The gateway of these tests asks upstream about accounts only when it is told to."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.gateway import Gateway

#: A round of the schedule that has begun reaches its end, and the setting every worker.
ROUND_S = 4.0


@pytest.fixture(scope="package", autouse=True)
def no_schedule(shared_gateway: Gateway) -> Iterator[None]:
    """Quotas that change by themselves would come between what a test does and what it finds."""
    _set_interval(shared_gateway, 0)
    time.sleep(ROUND_S)
    yield
    _set_interval(shared_gateway, 60)


def _set_interval(gateway: Gateway, minutes: int) -> None:
    gateway.admin("/api/settings", {"grok_config": {"refresh_interval_minutes": minutes}})
