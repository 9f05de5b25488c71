"""What older releases wrote, in `schemas/`: the same few things in each, see `write_dump` of test_migrations.py."""

from __future__ import annotations

from pathlib import Path

from grok2api.accounts import Tier
from grok2api.client_keys import ClientKey
from grok2api.media import Kind, MediaItem
from grok2api.storage.base import RESPONSE_KEPT_S, AdminSession, Store, StoredResponse
from grok2api.storage.clients import RequestEntry
from grok2api.storage.oversight import LOGIN_FREE, AuditEntry, UsageCount
from tests.contract.dealings import NOW, chosen, everyone, wanting

SCHEMAS = Path(__file__).parent / "schemas"


def verify_upgraded(store: Store) -> None:
    """Nothing is lost, and an open lease of the older release ends as it would have."""
    first, second = everyone(store)
    assert (first.secret, first.tier, first.note, first.tags) == (
        "basic-000000",
        Tier.BASIC,
        "bought in May",
        ("may",),
    )
    assert (first.quotas["default"].remaining, first.request_count) == (7, 2)
    assert first.in_flight == 1
    assert (second.secret, second.tier, second.failed_count) == ("super-000000", Tier.SUPER, 1)
    assert second.quotas["default"].cooldown_until == NOW + 3600
    assert store.settings.load().values == {"image_mode": "url", "stream_chunk_timeout": 120}
    assert store.settings.keep("session_key", "other") == "kept"
    assert store.sessions.get("d" * 64) == AdminSession("d" * 64, "admin", "csrf", NOW, NOW)
    assert chosen(store, wanting(max_in_flight=1), NOW + 100) == first.id
    response = StoredResponse("resp_1", "owner", b"body", NOW + RESPONSE_KEPT_S)
    store.responses.save(response)
    assert store.responses.get("resp_1", "owner", NOW) == response
    picture = MediaItem("users/u/generated/i/image.jpg", Kind.IMAGE, first.id, NOW)
    store.media.add([picture])
    assert store.media.get(picture.path) == picture
    assert store.media.page(Kind.IMAGE, 0, 10) == ([picture], 1)
    waits = [store.logins.attempt("192.0.2.1", "admin", NOW) for _ in range(LOGIN_FREE + 1)]
    assert waits == [0.0] * LOGIN_FREE + [2.0]
    entry = AuditEntry(NOW, "admin", "192.0.2.1", "accounts.delete", {"count": 3})
    store.audit.add(entry)
    assert store.audit.page(0, 10) == ([entry], 1)
    store.usage.add([UsageCount(60, 600, "requests", 2)])
    assert store.usage.since(60, 0) == [UsageCount(60, 600, "requests", 2)]
    key = store.keys.add(ClientKey(0, "laptop", "d" * 64, "sk-…abcd", NOW, per_minute=1))
    assert (store.keys.take(key.id, NOW), store.keys.take(key.id, NOW)) == (0.0, 40.0)
    assert [one.request_count for one in store.keys.all()] == [1]
    request = RequestEntry(NOW, "request", {"model": "grok"})
    store.requests.add([request])
    assert store.requests.recent(10) == [request]
