"""What the SQL store asks of a database: to run a piece of work in one short transaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Runner(ABC):
    """Runs `work(connection)` in a transaction; driver errors become StorageUnavailable."""

    @abstractmethod
    def read(self, work: Callable[[Connection], T]) -> T:
        """A consistent view; writes nothing."""

    @abstractmethod
    def write(self, work: Callable[[Connection], T], *, brief: bool = False) -> T:
        """All or nothing, alone in the whole deployment among the works that are run by this method.

        What the work reads, it reads after its turn has come. A work may be run anew, never half. brief: it takes less
        than a millisecond, so that others of its kind may share the transaction; one that raises undoes itself alone.
        """

    @abstractmethod
    def write_beside(self, work: Callable[[Connection], T], *, brief: bool = False) -> T:
        """All or nothing, but others may write meanwhile: only for work that is right whatever they write.

        It may be run anew: whom it meets in another order of locks than his own makes the database begin again. brief:
        as for `write`."""

    @abstractmethod
    def close(self) -> None: ...
