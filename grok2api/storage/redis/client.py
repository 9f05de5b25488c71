"""Talking to the server: a bounded pool of connections, the scripts, and no exception of the driver's.

redis-py is pure Python, so that waiting for the server blocks no other greenlet of a patched worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import redis
from redis.exceptions import NoScriptError, RedisError, ResponseError, WatchError

from grok2api.errors import StorageUnavailable
from grok2api.storage.redis.address import Address
from grok2api.storage.redis.scripts import script

#: Connections of a worker, and how long one waits for its turn.
CONNECTIONS = 32
TURN_S = 5.0

#: How often a transaction begins anew when others were quicker.
_ATTEMPTS = 20

#: Accounts in one run of a script. Other requests get their turn in between.
BATCH = 100

_FOREIGN = "SEALED"

T = TypeVar("T")


class Client:
    """Every method raises StorageUnavailable."""

    def __init__(self, address: Address) -> None:
        make_pool: Any = redis.BlockingConnectionPool
        pool = make_pool(max_connections=CONNECTIONS, timeout=TURN_S, **address.options)
        self._redis: Any = redis.Redis(connection_pool=pool)

    def command(self, *command: Any) -> Any:
        with _ours():
            return self._redis.execute_command(*command)

    def run(self, name: str, *arguments: Any) -> Any:
        """What the script of this name answers. Arguments are texts, ids, or numbers in `text` form."""
        wanted = script(name)
        with _ours():
            try:
                return self._redis.execute_command("EVALSHA", wanted.sha, 0, *arguments)
            except NoScriptError:  # a server that has just started; nothing has been done
                return self._redis.execute_command("EVAL", wanted.text, 0, *arguments)

    def together(self, *commands: Sequence[Any]) -> list[Any]:
        """The answers to these commands, which take effect at once."""
        with _ours(), self._redis.pipeline(transaction=True) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            answers: list[Any] = pipeline.execute()
            return answers

    def unless_changed(self, keys: Iterable[str], prepare: Callable[[], list[Sequence[Any]] | None]) -> None:
        """Carry out the commands that `prepare` makes, all or none; anew when one of the keys was changed by
        somebody meanwhile. `prepare` gives None when there is nothing to do."""
        with _ours(), self._redis.pipeline(transaction=True) as pipeline:
            for _ in range(_ATTEMPTS):
                if _attempt(pipeline, keys, prepare):
                    return
        raise StorageUnavailable("The Redis server is too busy for this. Try again.")

    def close(self) -> None:
        with _ours():
            self._redis.close()
            self._redis.connection_pool.disconnect()


def _attempt(pipeline: Any, keys: Iterable[str], prepare: Callable[[], list[Sequence[Any]] | None]) -> bool:
    pipeline.watch(*keys)
    try:
        commands = prepare()
    except StorageUnavailable:
        if _carry_out(pipeline, [("PING",)]):
            raise
        return False  # what it read was changed while it read
    return commands is None or _carry_out(pipeline, commands)


def _carry_out(pipeline: Any, commands: Sequence[Sequence[Any]]) -> bool:
    """Whether none of the watched keys was changed; if so, nothing is done."""
    pipeline.multi()
    for command in commands:
        pipeline.execute_command(*command)
    try:
        pipeline.execute()
    except WatchError:
        return False
    return True


@contextmanager
def _ours() -> Iterator[None]:
    try:
        yield
    except ResponseError as error:
        if str(error).startswith(_FOREIGN):
            raise StorageUnavailable("The storage has another SECRET_KEY by now. Restart with it.") from error
        raise StorageUnavailable(f"The Redis server cannot be used ({cause(error)}).") from error
    except (RedisError, OSError) as error:
        raise StorageUnavailable(f"The Redis server cannot be used ({cause(error)}).") from error


def cause(error: BaseException) -> str:
    """One line. The driver's texts name the server, never the password."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def text(value: float | int | None) -> str:
    """A number or time as the scripts take it: '' for None, all digits of a double."""
    return "" if value is None else repr(value)


def optional(value: str | None) -> str:
    """A text that may be None, as the scripts take it."""
    return "" if value is None else f"={value}"


def flag(value: bool) -> str:
    return "1" if value else "0"


def batches(items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def pairs(flat: Sequence[Any]) -> dict[Any, Any]:
    """A flat answer of names and values as a dict."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
