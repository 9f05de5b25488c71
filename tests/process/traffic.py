"""Continuous traffic of many clients, streams and whole answers, with each request's end on record."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import orjson

from tests.gateway import Gateway
from tests.process.front_nginx import VIA
from tests.simulator.client import SimulatorClient, directive

#: What a client waits for the next bytes.
_PATIENCE_S = 60.0


class End(StrEnum):
    OK = "ok"
    FAILED = "failed"  # an error instead of an answer, or no answer at all
    BROKEN = "broken"  # the beginning of an answer without its end, or with another one


@dataclass(frozen=True)
class Outcome:
    """One request. Times are of time.monotonic(). status: of HTTP, 0 when there was no answer. code: the error's.
    via: the addresses that nginx asked, the last one answered."""

    stream: bool
    began_at: float
    ended_at: float
    end: End
    status: int = 0
    code: str = ""
    why: str = ""
    via: tuple[str, ...] = ()

    @property
    def took_s(self) -> float:
        return self.ended_at - self.began_at


@dataclass(frozen=True)
class Client:
    """What one client asks again and again. fresh: each time on a new connection. pause_s: between two requests."""

    stream: bool
    tokens: int = 20
    options: tuple[tuple[str, object], ...] = (("delay", 0.05),)
    fresh: bool = False
    pause_s: float = 0.0

    @property
    def prompt(self) -> str:
        return directive("plain", tokens=self.tokens, **dict(self.options))


def mixed(streams: int, wholes: int) -> list[Client]:
    """Streams of a second and short whole answers; some wait long for their first token, every third client
    takes a new connection for each request."""
    quick, late = (("delay", 0.05),), (("delay", 0.03), ("pre_delay", 0.5))
    made = [Client(True, 20, late if n % 4 == 3 else quick, fresh=n % 3 == 2) for n in range(streams)]
    made += [Client(False, 4, late if n % 4 == 3 else quick, fresh=n % 3 == 2) for n in range(wholes)]
    return made


class Traffic:
    """Clients of the gateway at `url`, each a thread, from the beginning of a `with` statement to its end or `stop`.

    They finish what they have begun. once: each asks one time only.
    """

    def __init__(self, url: str, clients: Sequence[Client], *, once: bool = False) -> None:
        self.outcomes: list[Outcome] = []
        self._address = urlsplit(url).netloc
        self._over = threading.Event()
        self._once = once
        self._threads = [
            threading.Thread(target=self._run, args=(client,), daemon=True) for client in clients
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()
        if error is not None:
            error.add_note(self.summary())

    def stop(self) -> list[Outcome]:
        """End it; all outcomes."""
        self._over.set()
        return self.wait()

    def wait(self) -> list[Outcome]:
        """Until all clients have ended; all outcomes."""
        for thread in self._threads:
            thread.join(_PATIENCE_S)
            assert not thread.is_alive(), "a client waits for ever"
        return self.outcomes

    def run_until(self, condition: Callable[[], object], timeout_s: float) -> None:
        """Let it flow until then. Raises TimeoutError."""
        until = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > until:
                raise TimeoutError(self.summary())
            time.sleep(0.02)

    def bad(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.end is not End.OK]

    def summary(self) -> str:
        counts = {end.value: sum(o.end is end for o in self.outcomes) for end in End}
        said = "\n".join(f"  {outcome}" for outcome in self.bad()[:20])
        return f"traffic: {counts}\n{said}"

    def _run(self, client: Client) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=_PATIENCE_S)
        while not self._over.is_set():
            outcome = ask(connection, client)
            self.outcomes.append(outcome)
            if self._once:
                break
            if client.fresh or outcome.end is not End.OK:
                connection.close()
            if outcome.end is not End.OK:
                self._over.wait(0.1)
            self._over.wait(client.pause_s)
        connection.close()


def ask(connection: http.client.HTTPConnection, client: Client) -> Outcome:
    """One request on this connection, which is opened when it is not."""
    body = {
        "model": "grok-4.1",
        "messages": [{"role": "user", "content": client.prompt}],
        "stream": client.stream,
    }
    began_at = time.monotonic()
    seen: dict[str, Any] = {}

    def ended(end: End, **more: Any) -> Outcome:
        return Outcome(client.stream, began_at, time.monotonic(), end, **seen | more)

    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", orjson.dumps(body), headers)
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return ended(End.FAILED, why=repr(error))
    via = tuple(answer.headers.get(VIA, "").replace(" ", "").split(","))
    seen |= {"status": answer.status, "via": via}
    try:
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return ended(End.BROKEN, why=repr(error))
    if answer.status != 200:
        return ended(End.FAILED, code=_code(content), why=content[:300].decode("utf-8", "replace"))
    try:
        text = _streamed(content) if client.stream else _whole(content)
    except (ValueError, LookupError) as error:
        return ended(End.BROKEN, why=f"{error!r}: {content[-300:]!r}")
    if text.split() != [f"w{number}" for number in range(client.tokens)]:
        return ended(End.BROKEN, why=f"another text: {text[-200:]!r}")
    return ended(End.OK)


def _code(content: bytes) -> str:
    try:
        return str(orjson.loads(content)["error"]["code"])
    except (ValueError, LookupError, TypeError):
        return ""


def _whole(content: bytes) -> str:
    return str(orjson.loads(content)["choices"][0]["message"]["content"])


def _streamed(content: bytes) -> str:
    """The text of a stream. Raises ValueError or LookupError when it is not whole."""
    lines = [line.removeprefix(b"data: ") for line in content.split(b"\n\n") if line.startswith(b"data: ")]
    if lines[-1] != b"[DONE]":
        raise ValueError("no end")
    chunks = [orjson.loads(line) for line in lines[:-1]]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])


def add_accounts(gateway: Gateway, count: int, name: str = "t") -> list[str]:
    """So many accounts whose quota does not end; their secrets."""
    secrets = [f"sim-basic-ok-{name}{number}.quota.100000" for number in range(count)]
    gateway.admin("/api/tokens/add", {"tokens": secrets, "token_type": "sso"})
    return secrets


def listed(gateway: Gateway) -> dict[str, dict[str, Any]]:
    """All accounts by secret, as the console has them."""
    return {account["token"]: account for account in gateway.get_admin("/api/tokens")["data"]}


def wait_for_rest(gateway: Gateway, timeout_s: float) -> float:
    """Until no account has a request in flight; how long that took. Raises TimeoutError."""
    began = time.monotonic()
    while stuck := {s: a["in_flight"] for s, a in listed(gateway).items() if a["in_flight"]}:
        if time.monotonic() > began + timeout_s:
            raise TimeoutError(f"still in flight: {stuck}")
        time.sleep(0.2)
    return time.monotonic() - began


def verify_the_books(gateway: Gateway, simulator: SimulatorClient) -> None:
    """At rest: upstream was asked, and then every account has the calls left that upstream says it has, serves
    nobody, and is fit."""
    gateway.admin("/api/tokens/refresh-all", {})
    until = time.monotonic() + 60
    while (progress := gateway.get_admin("/api/tokens/refresh-progress")["data"])["running"]:
        assert time.monotonic() < until, progress
        time.sleep(0.1)
    real = {secret: account["remaining"] for secret, account in simulator.accounts().items()}
    accounts = listed(gateway)
    assert {s: a["remaining_queries"] for s, a in accounts.items()} == {s: real[s] for s in accounts}
    assert {(a["status"], a["in_flight"]) for a in accounts.values()} == {("active", 0)}
