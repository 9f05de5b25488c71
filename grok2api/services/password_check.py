"""Password hashes, which take a tenth of a second by design: in threads of their own, so that streams keep flowing.

Who has logged in well before has a line apart from strangers: however many of these try at once, none of them stands
in the operator's way, and no more of them wait than are served in a moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gevent.lock import Semaphore
from gevent.threadpool import ThreadPool
from werkzeug.security import check_password_hash, generate_password_hash

#: At 0.1 s each, the last one waits for a second or two on a busy machine.
LINE_MOST = 8


class PasswordCheck:
    """One thread, and the line before it."""

    def __init__(self) -> None:
        self._thread = ThreadPool(1)
        self._places = Semaphore(LINE_MOST)

    @contextmanager
    def place(self) -> Iterator[bool]:
        """A place in the line, if there is one: whether there was."""
        found = self._places.acquire(blocking=False)
        try:
            yield found
        finally:
            if found:
                self._places.release()

    def matches(self, password: str, stored: str) -> bool:
        """Whether this is the password of a stored hash. With a place in the line."""
        return bool(self._thread.apply(check_password_hash, (stored, password)))

    def hashed(self, password: str) -> str:
        """A new password as it is stored (scrypt). Only operators have one, so there is no line."""
        return str(self._thread.apply(generate_password_hash, (password,)))
