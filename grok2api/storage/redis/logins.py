"""The throttle of logins in Redis, which forgets by itself what matters no longer."""

from __future__ import annotations

from grok2api.storage.oversight import Logins
from grok2api.storage.redis.client import Client, text


class RedisLogins(Logins):
    def __init__(self, client: Client) -> None:
        self._client = client

    def attempt(self, address: str, username: str, now: float) -> float:
        return float(self._client.run("attempt_login", address, username, text(now)))

    def succeeded(self, address: str, username: str, now: float) -> None:
        self._client.run("login_succeeded", address, username, text(now))

    def forget_old(self, now: float) -> None:
        """Every key has its end."""
