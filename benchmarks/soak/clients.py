"""The traffic of a soak run: clients of every kind, an operator, and what came of their requests."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import orjson
import requests

from tests.gateway import Gateway
from tests.process.torture import FAULTS
from tests.simulator.client import directive
from tests.simulator.directives import pack

ACCOUNTS = 60
_LINK = re.compile(r"!\[Generated Image\]\(([^)]+)\)")
_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
_CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'
#: Upstream's silence is to end while the run lasts.
SETTINGS = {"stream_first_response_timeout": 5, "stream_chunk_timeout": 5, "image_cache_max_size_mb": 1}


class Wrong(Exception):
    """An answer that a client should not have got."""


class Crowd:
    """Clients of a gateway, each a thread; `pause` and `resume` them all. Ends with a `with` statement."""

    def __init__(self, gateway: Gateway) -> None:
        #: Requests by kind and end.
        self.ends: Counter[tuple[str, str]] = Counter()
        #: The first answers that should not have been.
        self.wrong: list[str] = []
        self._gateway = gateway
        self._chance = random.Random(11)
        self._number = 0
        self._over, self._flowing = threading.Event(), threading.Event()
        kinds: list[tuple[int, str, Callable[[requests.Session], str], float]] = [
            (12, "stream", self._stream, 0.1),
            (4, "whole", self._whole, 0.2),
            (2, "tools", self._tools, 0.3),
            (2, "pictures", self._pictures, 1.0),
            (4, "leaver", self._leave, 0.3),
            (3, "fault", self._fault, 0.5),
            (1, "console", self._console, 1.0),
            (1, "operator", self._operate, 10.0),
            (1, "settings", self._settings, 5.0),
        ]
        self._busy = 0
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(kind, act, pause_s), daemon=True)
            for count, kind, act, pause_s in kinds
            for _ in range(count)
        ]

    def __enter__(self) -> Self:
        self._gateway.set_settings(**SETTINGS)
        self._add(ACCOUNTS)
        self.resume()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._over.set()
        self._flowing.set()
        for thread in self._threads:
            thread.join(60)

    def resume(self) -> None:
        self._flowing.set()

    def pause(self) -> None:
        """Let all end what they do; they keep no connection open."""
        self._flowing.clear()
        until = time.monotonic() + 60
        while self._busy and time.monotonic() < until:
            time.sleep(0.1)
        if self._busy:
            self.wrong.append(f"{self._busy} clients wait for ever")

    def _run(self, kind: str, act: Callable[[requests.Session], str], pause_s: float) -> None:
        while not self._over.is_set():
            self._flowing.wait()
            with self._counted(), requests.Session() as session:
                while self._flowing.is_set() and not self._over.is_set():
                    try:
                        end = act(session)
                    except (requests.RequestException, Wrong, ValueError, LookupError) as error:
                        end = "wrong"
                        if len(self.wrong) < 20:
                            self.wrong.append(f"{kind}: {error!r}"[:1000])
                    self.ends[kind, end] += 1
                    if self._chance.random() < 0.3:
                        session.close()  # the next request is on a new connection
                    self._over.wait(pause_s)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """As busy."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1

    # --- clients ---

    def _post(self, session: requests.Session, prompt: str, **more: Any) -> requests.Response:
        body = {"model": "grok-4.1", "messages": [{"role": "user", "content": prompt}], **more}
        url = f"{self._gateway.url}/v1/chat/completions"
        return session.post(url, json=body, stream=bool(more.get("stream")), timeout=60)

    def _stream(self, session: requests.Session) -> str:
        tokens = self._chance.choice((10, 40, 120))
        prompt = directive("plain", tokens=tokens, delay=0.05, thinking=self._chance.choice((0, 5)))
        with self._post(session, prompt, stream=True) as answer:
            _check(answer)
            lines = [line for line in answer.iter_lines() if line]
        if lines[-1] != b"data: [DONE]" or f"w{tokens - 1}".encode() not in lines[-3]:
            raise Wrong(f"a stream ends with {lines[-3:]}")
        return "ok"

    def _whole(self, session: requests.Session) -> str:
        answer = _check(self._post(session, directive("plain", tokens=20, delay=0.03)))
        if not answer.json()["choices"][0]["message"]["content"].endswith("w19"):
            raise Wrong(answer.text)
        return "ok"

    def _tools(self, session: requests.Session) -> str:
        prompt = "Weather? " + directive("plain", answer=pack(_CALL))
        answer = _check(self._post(session, prompt, tools=[_TOOL]))
        if not answer.json()["choices"][0]["message"]["tool_calls"]:
            raise Wrong(answer.text)
        return "ok"

    def _pictures(self, session: requests.Session) -> str:
        answer = _check(self._post(session, directive("images")))
        links = _LINK.findall(answer.json()["choices"][0]["message"]["content"])
        if len(links) != 2:
            raise Wrong(answer.text)
        for link in links:
            whole = session.get(link, timeout=60)
            if whole.status_code in (404, 410):  # its account was deleted meanwhile
                return "lost"
            part = session.get(link, headers={"Range": "bytes=10-99"}, timeout=60)
            if not whole.ok or part.status_code != 206 or part.content != whole.content[10:100]:
                raise Wrong(f"{link}: {whole.status_code}, {part.status_code}")
        return "ok"

    def _leave(self, session: requests.Session) -> str:
        prompt = directive("plain", tokens=1000, delay=self._chance.choice((0.02, 0.2)))
        with self._post(session, prompt, stream=True) as answer:
            _check(answer)
            found = answer.iter_lines(chunk_size=1)
            for _ in range(self._chance.randrange(1, 20)):
                next(found)
        session.close()
        return "left"

    def _fault(self, session: requests.Session) -> str:
        with self._lock:
            self._number += 1
            number = self._number
        name = FAULTS[number % len(FAULTS)]
        prompt = directive(name, times=1, key=f"f{number}", tokens=4, after=2)
        with self._post(session, prompt, stream=number % 2 == 0) as answer:
            content = answer.content
        if answer.status_code == 200:
            return "ok" if number % 2 != 0 or content.endswith(b"data: [DONE]\n\n") else "error event"
        if "message" not in orjson.loads(content)["error"] or answer.status_code == 500:
            raise Wrong(f"{name}: {answer.status_code} {content[:300]!r}")
        return "refused"

    # --- operators ---

    def _console(self, session: requests.Session) -> str:
        session.headers["Authorization"] = f"Bearer {self._gateway.token}"
        for path in ("stats", "tokens?page=1&page_size=50", "logs?page=1", "cache/size", "settings", "audit"):
            _check(session.get(f"{self._gateway.url}/api/{path}", timeout=30))
        for path in ("/health", "/ready", "/v1/models", "/login", "/static/css/base.css"):
            _check(session.get(self._gateway.url + path, timeout=30))
        return "ok"

    def _operate(self, session: requests.Session) -> str:
        """Replace the accounts that suffered by fresh ones, and do a little of everything else."""
        listed = self._admin(session, "GET", "tokens")["data"]
        fit = [one["token"] for one in listed if one["status"] in ("active", "unused")]
        # Who only rests may be answering by the time that it would be deleted, and what it makes would be lost.
        spent = [one["token"] for one in listed if _is_out(one) and not one["in_flight"]]
        self._admin(session, "POST", "tokens/uncool", tokens=fit[:3])
        if spent:
            self._admin(session, "POST", "tokens/delete", tokens=spent)
            self._add(len(spent))
        self._admin(session, "POST", "tokens/test", token=fit[-1])
        login = {"username": "admin", "password": "admin"}
        told = _check(session.post(f"{self._gateway.url}/api/login", json=login, timeout=30)).json()
        bearer = {"Authorization": f"Bearer {told['token']}"}
        _check(session.post(f"{self._gateway.url}/api/logout", headers=bearer, timeout=30))
        session.cookies.clear()
        return "ok"

    def _settings(self, session: requests.Session) -> str:
        changed = {
            "show_thinking": self._chance.random() < 0.5,
            "x_statsig_id": f"soak-{self._chance.random()}",
        }
        self._admin(session, "POST", "settings", grok_config=changed)
        return "ok"

    def _add(self, count: int) -> None:
        with self._lock:
            first = self._number = self._number + count
        secrets = [f"sim-basic-ok-s{first}x{number}.quota.1000000" for number in range(count)]
        body = {"tokens": secrets, "token_type": "sso"}
        bearer = {"Authorization": f"Bearer {self._gateway.token}"}
        _check(requests.post(f"{self._gateway.url}/api/tokens/add", json=body, headers=bearer, timeout=30))

    def _admin(self, session: requests.Session, method: str, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._gateway.token}"}
        url = f"{self._gateway.url}/api/{path}"
        return _check(
            session.request(method, url, json=body if method == "POST" else None, headers=headers, timeout=30)
        ).json()


def _is_out(account: dict[str, Any]) -> bool:
    """For long."""
    return bool(account["status"] == "expired" or account["cooldown_remaining"] > 60_000)


def _check(answer: requests.Response) -> requests.Response:
    if answer.status_code not in (200, 206):
        raise Wrong(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:200]}")
    return answer
