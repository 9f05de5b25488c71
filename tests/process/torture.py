"""A crowd of clients on a pool of small accounts while upstream fails in every way it knows, and what must
hold of the books afterwards.

The journal of the simulator is the witness: it saw every request that an account was used for.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import orjson
import requests

from tests.gateway import Gateway
from tests.simulator.client import Simulator, directive

#: Longer than a request is on its way between its lease and upstream, on a busy machine.
ON_ITS_WAY_S = 4.0

COOLING = frozenset({"429", "429_exhausted", "usage_limit"})
DRAINING = frozenset({"429_exhausted", "usage_limit"})
CAPACITY = frozenset({"429_heavy_usage", "load_shed", "concurrency_stream"})
DEADLY = frozenset({"401_invalid", "403_blocked", "400_domain"})
FAULTS = (
    *sorted(COOLING | CAPACITY | DEADLY),
    "401", "403_cloudflare", "403_empty", "403_antibot", "403_moderated", "400_bad",
    "500", "502_html", "503", "504", "524", "html_200", "empty_200",
    "reset_before", "reset_headers", "stall_before", "stall_headers",
    "error_first", "error_first_13", "error_string", "too_long", "moderated_stream", "internal_stream",
    "reset_mid", "cut_mid", "eof_mid", "error_mid", "stall_mid", "model_response_error",
)  # fmt: skip


@dataclass
class Tally:
    """What the clients saw: how often each end, and the time of the first and last."""

    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Torture:
    """nodes: gateways over one storage, which the clients take in turn."""

    def __init__(self, nodes: Sequence[Gateway], simulator: Simulator, accounts: int, quota: int) -> None:
        self.nodes = nodes
        self.simulator = simulator
        self.secrets = [f"torture-{number:04}-of-an-account" for number in range(accounts)]
        self.tally = Tally()
        self.notes: dict[str, str] = {}
        self.disabled: dict[str, float] = {}
        self._random = random.Random(7)
        simulator.add_accounts([{"sso": secret, "quota": quota} for secret in self.secrets])
        admin = nodes[0].admin
        assert admin("/api/tokens/add", {"tokens": self.secrets, "token_type": "sso"})["added"] == accounts
        self.refresh_all()

    # --- the crowd ---

    def run(self, requests_: int, concurrency: int, *, kill: bool = False, faults: bool = True) -> None:
        """Send so many requests; meanwhile disable some accounts, write notes and, if told, kill workers."""
        over = threading.Event()
        beside: list[Callable[[threading.Event], None]] = [self._write_notes, self._disable_some]
        if kill:
            beside.append(self._kill_workers)
        helpers = [threading.Thread(target=work, args=(over,)) for work in beside]
        for helper in helpers:
            helper.start()
        try:
            with ThreadPoolExecutor(concurrency) as clients:
                prompts = [self._prompt(number, faults) for number in range(requests_)]
                list(clients.map(self._ask, range(requests_), prompts))
        finally:
            over.set()
            for helper in helpers:
                helper.join(timeout=30)

    def _prompt(self, number: int, faults: bool) -> str:
        if faults and number % 10 == 3:
            return directive(FAULTS[number // 10 % len(FAULTS)], times=1, key=f"f{number}", tokens=4, after=2)
        return directive("plain", tokens=4, delay=0.02, key=f"p{number}")

    def _ask(self, number: int, prompt: str) -> None:
        node = self.nodes[number % len(self.nodes)]
        body = {
            "model": "grok-4-expert" if number % 7 == 0 else "grok-4.1",
            "messages": [{"role": "user", "content": prompt}],
            "stream": number % 2 == 0,
        }
        try:
            with requests.post(f"{node.url}/v1/chat/completions", json=body, timeout=60) as answer:
                end = self._judge(answer, streamed=number % 2 == 0)
        except requests.RequestException as error:
            end = f"broken: {type(error).__name__}"
        self.tally.ends[end] += 1

    def _judge(self, answer: requests.Response, *, streamed: bool) -> str:
        """The name of this end; what no client may see is noted as wrong."""
        content = answer.content
        if answer.status_code == 200 and streamed:
            if content.endswith(b"data: [DONE]\n\n"):
                return "answered"
            if b'"error"' in content.split(b"\n\n")[-2]:
                return "error event"
            self.tally.wrong.append(f"a stream that just ends: {content[-200:]!r}")
            return "cut"
        document = orjson.loads(content)
        if answer.status_code == 200:
            return "answered"
        if "message" not in document["error"] or (
            answer.status_code == 429 and not int(answer.headers["Retry-After"])
        ):
            self.tally.wrong.append(f"{answer.status_code}: {document}")
        return str(answer.status_code)

    # --- beside it ---

    def _write_notes(self, over: threading.Event) -> None:
        number = 0
        while not over.wait(0.05):
            number += 1
            secret = self.secrets[number % len(self.secrets)]
            if self._admin(
                "/api/tokens/note", {"token": secret, "token_type": "sso", "note": f"note {number}"}
            ):
                self.notes[secret] = f"note {number}"
            else:
                self.notes.pop(secret, None)  # it may or may not have been stored

    def _disable_some(self, over: threading.Event) -> None:
        some = self._random.sample(self.secrets, max(1, len(self.secrets) // 20))
        if not over.wait(1.0) and self._admin("/api/tokens/disable", {"tokens": some}):
            self.disabled = dict.fromkeys(some, time.time())

    def _kill_workers(self, over: threading.Event) -> None:
        while not over.wait(1.0):
            node = self._random.choice(self.nodes)
            node.kill_worker(self._random)

    def _admin(self, path: str, body: Any) -> bool:
        """Whether an operator's write was acknowledged."""
        node = self.nodes[0]
        headers = {"Authorization": f"Bearer {node.token}"}
        try:
            answer = requests.post(node.url + path, json=body, headers=headers, timeout=30)
        except requests.RequestException:
            return False
        if answer.status_code != 200:
            self.tally.wrong.append(f"{path}: {answer.status_code} {answer.text}")
        return answer.ok

    # --- afterwards ---

    def listed(self) -> dict[str, dict[str, Any]]:
        return {token["token"]: token for token in self.nodes[-1].get_admin("/api/tokens")["data"]}

    def wait_for_rest(self, timeout_s: float) -> None:
        """Until no lease is left. Raises TimeoutError."""
        until = time.monotonic() + timeout_s
        while stuck := {s: t["in_flight"] for s, t in self.listed().items() if t["in_flight"]}:
            if time.monotonic() > until:
                raise TimeoutError(f"still in flight: {stuck}")
            time.sleep(0.5)

    def refresh_all(self) -> None:
        node = self.nodes[-1]
        node.admin("/api/tokens/refresh-all", {})
        until = time.monotonic() + 60
        while (progress := node.get_admin("/api/tokens/refresh-progress")["data"])["running"]:
            assert time.monotonic() < until, progress
            time.sleep(0.1)
        assert progress["current"] == progress["total"], progress

    def verify_no_client_was_fooled(self, *, broken: bool = False) -> None:
        """broken: connections may break, because workers are killed."""
        assert self.tally.wrong == []
        unexpected = {end for end in self.tally.ends if end.startswith("broken") and not broken}
        assert not unexpected, self.tally.ends
        assert self.tally.ends["answered"] > 0, self.tally.ends

    def verify_nothing_was_overspent(self) -> None:
        """No account that upstream had not emptied itself was ever refused for its quota."""
        drained: set[str] = set()
        for chat in self._chats():
            if chat["scenario"] in DRAINING:
                drained.add(chat["sso"])
            elif chat["status"] == 429 and chat["scenario"] not in COOLING | CAPACITY:
                assert chat["sso"] in drained, f"overspent: {chat['sso']}"

    def verify_the_unfit_rested(self) -> None:
        """Nobody was served by an account in a timed cooldown, expired or disabled."""
        until: dict[str, tuple[float, float, str]] = {}
        for chat in self._chats():
            since, end, why = until.get(chat["sso"], (0.0, 0.0, ""))
            late = chat["at"] - since
            assert not (since + ON_ITS_WAY_S < chat["at"] < end), (
                f"{chat['sso']} served {late:.1f} s after {why}"
            )
            disabled_at = self.disabled.get(chat["sso"])
            assert disabled_at is None or chat["at"] < disabled_at + ON_ITS_WAY_S, "served though disabled"
            for kinds, length_s in ((COOLING | DEADLY, 10**6), (CAPACITY, 9.0)):
                if chat["scenario"] in kinds and chat["closed_at"] is not None:
                    until[chat["sso"]] = (
                        chat["closed_at"],
                        max(end, chat["closed_at"] + length_s),
                        chat["scenario"],
                    )

    def verify_the_books(self, *, exact: bool) -> None:
        """exact: every attempt was settled, because no worker was killed."""
        chats = Counter(chat["sso"] for chat in self._chats())
        listed = self.listed()
        if exact:
            assert {s: t["request_count"] for s, t in listed.items() if t["request_count"]} == dict(chats)
        self.refresh_all()
        listed = self.listed()
        real = {secret: account["remaining"] for secret, account in self.simulator.accounts().items()}
        stored = {s: t["remaining_queries"] for s, t in listed.items() if not t["disabled"]}
        assert stored == {secret: real[secret] for secret in stored}
        blocked = {chat["sso"] for chat in self._chats() if chat["scenario"] == "403_blocked"}
        expired = {secret for secret, token in listed.items() if token["status"] == "expired"}
        assert expired <= blocked | set(self.disabled)
        if exact:
            assert blocked <= expired

    def verify_the_notes(self) -> None:
        """What the operator was told is stored is stored."""
        listed = self.listed()
        assert {secret: listed[secret]["note"] for secret in self.notes} == self.notes
        assert {s for s, token in listed.items() if token["disabled"]} >= set(self.disabled)

    def _chats(self) -> list[dict[str, Any]]:
        """What upstream saw of our accounts' chats, oldest first."""
        path = "/rest/app-chat/conversations/new"
        return sorted(self.simulator.requests(path=path, limit=20_000), key=lambda chat: chat["at"])
