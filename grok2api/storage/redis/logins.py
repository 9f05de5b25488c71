"""The throttle of logins in Redis, which forgets by itself what matters no longer."""

from __future__ import annotations

from grok2api.storage.oversight import GOOD_ADDRESS_S, Logins
from grok2api.storage.redis.client import Client, text
from grok2api.storage.redis.keys import Key


class RedisLogins(Logins):
    def __init__(self, client: Client) -> None:
        self._client = client

    def is_good(self, address: str, now: float) -> bool:
        good_at: str | None = self._client.command("GET", Key.GOOD_ADDRESS + address)
        return good_at is not None and now - float(good_at) < GOOD_ADDRESS_S

    def attempt(self, address: str, username: str, now: float) -> float:
        return float(self._client.run("attempt_login", address, username, text(now)))

    def succeeded(self, address: str, username: str, now: float) -> None:
        self._client.run("login_succeeded", address, username, text(now))

    def forget_old(self, now: float) -> None:
        """Every key has its end."""
