"""The operator's sessions in Redis, which forgets them by itself as well."""

from __future__ import annotations

from grok2api.storage.base import AdminSession, Sessions
from grok2api.storage.redis.client import Client, text
from grok2api.storage.redis.keys import SESSION_MAX_S, Key


class RedisSessions(Sessions):
    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, session: AdminSession) -> None:
        oldest = text(session.created_at - SESSION_MAX_S)
        fields = {
            "username": session.username,
            "csrf_token": session.csrf_token,
            "created_at": text(session.created_at),
            "seen_at": text(session.seen_at),
        }
        said = [part for field in fields.items() for part in field]
        self._client.run("create_session", session.digest, text(session.seen_at), oldest, *said)

    def get(self, digest: str) -> AdminSession | None:
        found: dict[str, str] = self._client.command("HGETALL", Key.SESSION + digest)
        if not found:
            return None
        return AdminSession(
            digest,
            found["username"],
            found["csrf_token"],
            created_at=float(found["created_at"]),
            seen_at=float(found["seen_at"]),
        )

    def touch(self, digest: str, now: float) -> None:
        self._client.run("touch_session", digest, text(now))

    def delete(self, digest: str) -> None:
        self._client.together(("DEL", Key.SESSION + digest), ("ZREM", Key.SESSIONS, digest))

    def delete_all(self) -> None:
        self._client.run("delete_sessions")
