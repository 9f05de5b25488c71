"""Ids that are to be different, not secret."""

from __future__ import annotations

import random


def new_id(bits: int = 128) -> str:
    """In hexadecimal digits. Every worker has random numbers of its own: Python seeds them anew in a fork."""
    # Asking the kernel for them, as uuid4 does, hands Python's lock to another thread each time.
    return f"{random.getrandbits(bits):0{bits // 4}x}"  # nosec B311 # nothing is opened by them
