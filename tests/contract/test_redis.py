"""What only Redis promises: forbidden commands, lost scripts and data, warnings, TLS, servers that come late or
go away, and the same work for a request whatever the pool's size."""

from __future__ import annotations

import datetime
import ipaddress
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask

from grok2api.accounts import AccountEdit, AccountQuery, Finding, Outcome, QuotaReading, Sort, Tier
from grok2api.env import Env
from grok2api.errors import ConfigurationError, StorageUnavailable
from grok2api.media import Kind, MediaItem
from grok2api.storage.base import RESPONSE_KEPT_S, AdminSession, Store, StoredResponse
from grok2api.storage.redis import address
from grok2api.storage.redis.client import CONNECTIONS, Client
from grok2api.storage.redis.keys import SCHEMA
from grok2api.storage.redis.sealing import reseal
from grok2api.storage.redis.store import open_store
from grok2api.storage.vault import Vault
from tests.contract.dealings import (
    ANY,
    COSTLY,
    NOW,
    add,
    chosen,
    end,
    everyone,
    set_quota,
    take,
    use,
    wanting,
)
from tests.contract.places import POOLS
from tests.contract.redis_place import server as shared_server
from tests.contract.upgrades import SCHEMAS, verify_upgraded
from tests.gateway import ROOT, clean_environ
from tests.redis_server import FORBIDDEN, RedisServer

PASSWORD = 'p@ss:w/ö?rd#%"\\ x'


def opened(
    server: RedisServer, *, key: str = "", pools: Sequence[str] = POOLS, wait_s: float = 0.0, db: int = 0
) -> Store:
    env = Env(storage_mode="redis", database_url=server.url(db), storage_wait_s=wait_s)
    return open_store(Flask("redis"), env, pools, Vault(key))


def refusal(url: str, wait_s: float = 0.0) -> str:
    env = Env(storage_mode="redis", database_url=url, storage_wait_s=wait_s)
    with pytest.raises(ConfigurationError) as caught:
        open_store(Flask("refused"), env, POOLS, Vault())
    message = str(caught.value)
    assert "\n" not in message and "p@ss" not in message and "p%40ss" not in message
    return message


@pytest.fixture
def server() -> RedisServer:
    """The server of all tests, with nothing in it."""
    with shared_server().connect() as client:
        client.flushdb()
    return shared_server()


@contextmanager
def admin(server: RedisServer) -> Iterator[Any]:
    with server.connect() as client:
        yield client


def do_everything(store: Store) -> None:
    """Each operation there is, at least once."""
    ids = add(store, 4)
    set_quota(store, ids[:1], "default", 4, now=NOW)
    for outcome in Outcome:
        lease = store.leases.lease(ANY, NOW)
        if lease is not None:
            store.leases.renew([lease.id], NOW)
            end(store, lease, outcome)
    take(store, wanting(), NOW + 10**6)
    store.leases.heal(NOW + 2 * 10**6)
    store.leases.shortage(COSTLY, NOW)
    check = store.leases.begin_check(ids[1], NOW, NOW)
    assert check is not None
    store.leases.end_check(check, Finding({"default": QuotaReading(3)}, good=True), NOW)
    store.accounts.edit(ids, AccountEdit(tags=("a", "b"), note="n", disabled=True, lift=True), NOW)
    store.accounts.page(AccountQuery(text="a", sort=Sort.REMAINING), NOW)
    store.accounts.page(AccountQuery(descending=True), NOW)
    assert store.accounts.tags() == ["a", "b"]
    store.accounts.stale(NOW, 10)
    known = everyone(store)
    assert store.accounts.delete(ids) == 4
    assert store.accounts.restore(known, keep_ids=True).added == 4
    store.settings.save({"a": 1})
    store.settings.keep("b", "c")
    store.sessions.create(AdminSession("d" * 64, "admin", "csrf", NOW, NOW))
    store.sessions.touch("d" * 64, NOW + 1)
    job = store.jobs.begin("sweep", "me", NOW)
    assert store.jobs.beat(replace(job, total=3))
    store.warnings()
    store.reseal(Vault("a key"))
    store.reseal(Vault())
    for name in ("resp_1", "resp_2", "resp_3"):
        store.responses.save(StoredResponse(name, "owner", b"body", NOW + RESPONSE_KEPT_S))
    assert store.responses.delete("resp_1", "owner", NOW)
    assert len(list(store.responses.walk(1, NOW))) == 2
    store.responses.forget_expired(NOW)
    store.media.add(
        [MediaItem(f"users/{kind}/{n}.jpg", kind, ids[0], NOW + n) for kind in Kind for n in range(3)]
    )
    assert store.media.get("users/image/0.jpg") is not None
    assert store.media.page(None, 0, 1)[1] == store.media.page(Kind.VIDEO, 0, 1)[1] * 2 == 6
    assert len(store.media.walk("", 10)) == 6
    assert store.media.forget_older(NOW + 1) == 2


# --- the address ---


@pytest.mark.parametrize(
    "url",
    [
        "", "redis://", "redis:///0", "redis://host/zero", "redis://host/-1", "redis://host:x/0", "host:6379",
        "redis://:p@ss/w@host/0", "redis://user:pa?p@ss@host/0",
        "mysql://host/0", "unix://", "redis://host?ssl_ca_certs=x", "rediss://host?x=1", "redis://host?=",
        "rediss://host?ssl_ca_certs=/not/there", "rediss://host?ssl_cert_reqs=maybe",
    ],
)  # fmt: skip
def test_a_url_that_is_none_is_refused(url: str) -> None:
    assert refusal(url).startswith("DATABASE_URL")


def test_a_database_that_the_server_does_not_have_is_refused(server: RedisServer) -> None:
    assert "DB index is out of range" in refusal(server.url(db=4711), 30)


def test_databases_of_one_server_are_apart(server: RedisServer) -> None:
    with closing(opened(server)) as one, closing(opened(server, db=3)) as other:
        add(one, 2)
        assert everyone(other) == []


def test_a_password_may_have_any_character_and_a_wrong_one_is_refused_at_once() -> None:
    with RedisServer(password=PASSWORD) as locked:
        with closing(opened(locked)) as store:
            add(store, 1)
            assert chosen(store) is not None
        began = time.monotonic()
        assert "invalid username-password pair" in refusal(locked.url().replace("p%40ss", "wrong"), 30)
        assert "Authentication required" in refusal(f"redis://127.0.0.1:{locked.port}/0", 30)
        assert time.monotonic() - began < 5


def test_tls_with_a_certificate_that_is_known(tmp_path: Path) -> None:
    with RedisServer(tls=certificate(tmp_path)) as secret:
        with closing(opened(secret)) as store:
            add(store, 1)
            assert chosen(store) is not None
        began = time.monotonic()
        assert "certificate verify failed" in refusal(f"rediss://127.0.0.1:{secret.port}/0", 30)
        assert time.monotonic() - began < 5
        url = f"rediss://127.0.0.1:{secret.port}/0?ssl_cert_reqs=none"
        env = Env(storage_mode="redis", database_url=url)
        with closing(open_store(Flask("careless"), env, POOLS, Vault())) as store:
            assert len(everyone(store)) == 1


def certificate(folder: Path) -> tuple[Path, Path]:
    """The files of a self-signed one for 127.0.0.1, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


# --- what the server forbids, loses and warns of ---


def test_it_works_where_commands_are_forbidden_and_under_one_prefix() -> None:
    with RedisServer(forbidden=(*FORBIDDEN, "CONFIG")) as strict, closing(opened(strict)) as store:
        do_everything(store)
        assert store.warnings() == []
        with admin(strict) as client:
            found = list(client.scan_iter())
        assert len(found) > 20
        assert {name.partition(":")[0] for name in found} == {"grok2api"}


def test_nothing_but_what_is_counted_on_is_left_of_what_is_gone(server: RedisServer) -> None:
    with closing(opened(server)) as store:
        do_everything(store)
        store.sessions.delete_all()
        store.clear()
        with admin(server) as client:
            assert (
                list(client.scan_iter("grok2api:response*"))
                == list(client.scan_iter("grok2api:media*"))
                == []
            )
            left = {name.removeprefix("grok2api:") for name in client.scan_iter() if client.ttl(name) < 0}
    left = {name for name in left if not name.startswith("settled:")}  # gone in two minutes
    counters = {"schema", "last_id", "pools", "settings_version", "kept", "job:sweep"}
    assert left - {"requests:default"} == counters


def test_scripts_that_the_server_forgot_are_given_to_it_again(server: RedisServer) -> None:
    with closing(opened(server)) as store, admin(server) as client:
        add(store, 2)
        client.script_flush()
        assert chosen(store) is not None
        client.script_flush()
        assert store.leases.shortage(ANY, NOW).total == 2


def test_what_is_stored_outlives_a_restart_with_aof() -> None:
    with RedisServer("appendonly yes", "appendfsync always") as durable, closing(opened(durable)) as store:
        ids = add(store, 3)
        set_quota(store, ids, "default", 5, now=NOW)
        held = take(store)
        durable.kill()
        durable.start()
        assert [one.in_flight for one in everyone(store)].count(1) == 1
        end(store, held)
        assert sum(one.quotas["default"].remaining or 0 for one in everyone(store)) == 14
        assert store.warnings() == []


def test_a_server_that_lost_everything_is_begun_anew() -> None:
    with RedisServer() as forgetful, closing(opened(forgetful, key="mine")) as store:
        add(store, 2)
        store.settings.save({"a": 1})
        known = store.settings.version()
        held = take(store)
        time.sleep(1.1)
        forgetful.stop()
        forgetful.start()
        assert store.leases.lease(ANY, NOW) is None
        assert store.leases.shortage(ANY, NOW).total == 0
        store.leases.renew([held.id], NOW)
        end(store, held)
        assert everyone(store) == [] and store.settings.load().values == {}
        store.settings.save({"a": 2})
        assert store.settings.version() > known, "a worker would take it for what it knows"
        add(store, 2)
        assert set(everyone(store)[0].quotas) == set(POOLS) and chosen(store) is not None
        with closing(opened(forgetful, key="mine")) as again:
            assert len(everyone(again)) == 2 and again.settings.load().values == {"a": 2}
        with pytest.raises(ConfigurationError, match="SECRET_KEY"):
            opened(forgetful)


def test_the_operator_is_warned_of_what_may_be_lost(caplog: pytest.LogCaptureFixture) -> None:
    with (
        RedisServer() as careless,
        admin(careless) as client,
        caplog.at_level(logging.ERROR),
        closing(opened(careless)) as store,
    ):
        (warning,) = store.warnings()
        assert "neither AOF nor RDB" in warning and warning in caplog.text
        client.config_set("save", "60 1")
        assert store.warnings() == []
        client.config_set("maxmemory-policy", "allkeys-lru")
        (warning,) = store.warnings()
        assert "allkeys-lru" in warning
        client.config_set("save", "")
        client.config_set("appendonly", "yes")
        client.config_set("maxmemory-policy", "noeviction")
        assert store.warnings() == []


def test_eviction_is_seen_also_where_config_is_forbidden() -> None:
    with (
        RedisServer("maxmemory-policy allkeys-lru", forbidden=("CONFIG",)) as strict,
        closing(opened(strict)) as store,
    ):
        (warning,) = store.warnings()
        assert "allkeys-lru" in warning


def test_a_full_server_and_a_replica_are_storage_unavailable(server: RedisServer) -> None:
    with closing(opened(server)) as store, admin(server) as client:
        add(store, 2)
        client.config_set("maxmemory", "1")
        with pytest.raises(StorageUnavailable, match="maxmemory"):
            store.leases.lease(ANY, NOW)
        client.config_set("maxmemory", "0")
        client.replicaof("127.0.0.1", "1")
        try:
            with pytest.raises(StorageUnavailable, match="read only replica"):
                store.leases.lease(ANY, NOW)
        finally:
            client.replicaof("NO", "ONE")
        assert chosen(store) is not None
        assert [one.in_flight for one in everyone(store)] == [0, 0]


# --- servers that come late, hang, or go away ---


def test_a_server_that_comes_late_is_waited_for_and_one_that_goes_away_is_missed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with RedisServer(started=False) as late:
        assert "cannot be reached" in refusal(late.url())
        start = threading.Timer(1.5, late.start)
        start.start()
        with caplog.at_level(logging.WARNING), closing(opened(late, wait_s=30)) as store:
            start.join()
            assert f"waiting for Redis at 127.0.0.1:{late.port}" in caplog.text
            add(store, 2)
            late.stop()
            began = time.monotonic()
            for _ in range(3):
                with pytest.raises(StorageUnavailable):
                    store.leases.lease(ANY, NOW)
            with pytest.raises(StorageUnavailable):
                store.ping()
            assert time.monotonic() - began < 5
            late.start()
            store.ping()
            assert chosen(store) is None


def test_connections_that_the_server_closed_meanwhile_give_no_error(server: RedisServer) -> None:
    with closing(opened(server)) as store, admin(server) as client:
        add(store, 1)
        client.client_kill_filter(_type="normal", skipme=True)
        assert chosen(store) is not None


def test_a_server_that_hangs_is_waited_for_for_a_while_only(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "ANSWER_S", 0.3)
    with closing(opened(server)) as store, admin(server) as client:
        add(store, 1)
        client.client_pause(1000)
        began = time.monotonic()
        with pytest.raises(StorageUnavailable, match="Timeout"):
            store.leases.lease(ANY, NOW)
        assert 0.2 < time.monotonic() - began < 0.9, "it is not asked twice"
        client.client_unpause()
        assert chosen(store) is not None


def test_a_crowd_of_threads_shares_a_bounded_number_of_connections(server: RedisServer) -> None:
    with closing(opened(server)) as store, admin(server) as client:
        add(store, 3)
        client.client_pause(500)
        threads = [threading.Thread(target=chosen, args=(store,)) for _ in range(3 * CONNECTIONS)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        assert client.info("clients")["connected_clients"] <= CONNECTIONS + 2
        for thread in threads:
            thread.join()
        assert [one.in_flight for one in everyone(store)] == [0, 0, 0]
        assert sum(one.request_count for one in everyone(store)) == len(threads)


#: Leases while the server is paused, and measures the longest silence of a 10 ms ticker.
PATCHED_WORKER = """
from gevent import monkey; monkey.patch_all()
import sys, time
import gevent, orjson, redis
from flask import Flask
from grok2api.env import Env
from grok2api.storage.redis.store import open_store
from grok2api.storage.vault import Vault
from tests.contract.dealings import ANY, NOW
from tests.contract.places import POOLS

url = sys.argv[1]
store = open_store(Flask("patched"), Env(storage_mode="redis", database_url=url), POOLS, Vault())
ticks = []

def tick():
    while True:
        ticks.append(time.monotonic())
        gevent.sleep(0.01)

ticker = gevent.spawn(tick)
gevent.sleep(0.1)
redis.Redis.from_url(url).client_pause(1000)
began = time.monotonic()
leases = [gevent.spawn(store.leases.lease, ANY, NOW) for _ in range(40)]
got = len({lease.get().id for lease in leases})
ended = time.monotonic()
ticker.kill()
seen = [t for t in ticks if t >= began]
longest = max(b - a for a, b in zip(seen, seen[1:] + [ended]))
print(orjson.dumps({"got": got, "waited": ended - began, "silence": longest}).decode(), flush=True)
store.close()
"""


def test_greenlets_run_on_while_the_server_lets_wait(server: RedisServer) -> None:
    with closing(opened(server)) as store:
        add(store, 3)
    command = [sys.executable, "-c", PATCHED_WORKER, server.url()]
    done = subprocess.run(command, cwd=ROOT, env=clean_environ(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    figures = orjson.loads(done.stdout)
    assert figures["got"] == 40 and figures["waited"] > 0.8
    assert figures["silence"] < 0.5, figures


# --- releases and keys ---


def test_a_newer_releases_data_is_refused_and_left_alone(server: RedisServer) -> None:
    with admin(server) as client:
        client.set("grok2api:schema", "9999")
        assert "newer release (schema 9999)" in refusal(server.url())
        assert list(client.scan_iter()) == ["grok2api:schema"]


def load(client: Any, dump: Path) -> None:
    """Put back what a release of that schema wrote."""
    for name, (kind, content) in orjson.loads(dump.read_bytes()).items():
        if kind == "hash":
            client.hset(name, mapping=content)
        elif kind == "zset":
            client.zadd(name, dict(content))
        elif kind == "set":
            client.sadd(name, *content)
        else:
            client.set(name, content)


@pytest.mark.parametrize("dump", sorted(SCHEMAS.glob("redis-*.json")), ids=lambda path: path.stem)
def test_an_older_releases_data_is_upgraded_without_loss(server: RedisServer, dump: Path) -> None:
    with admin(server) as client:
        load(client, dump)
        with closing(opened(server)) as store:
            assert client.get("grok2api:schema") == str(SCHEMA)
            verify_upgraded(store)


def test_there_is_a_dump_of_every_older_schema() -> None:
    assert [path.stem for path in sorted(SCHEMAS.glob("redis-*.json"))] == [
        f"redis-{version}" for version in range(1, SCHEMA)
    ]


def test_workers_of_an_older_release_that_go_on_stop_nobody(server: RedisServer) -> None:
    with closing(opened(server)) as store, admin(server) as client:
        (id_,) = add(store, 1)
        client.zadd("grok2api:leases", {"0123456789abcdef": NOW - 1})
        client.hset("grok2api:leased", "0123456789abcdef", f"{id_}:1:default")
        assert chosen(store) == id_
        store.leases.heal(NOW)
        assert client.zcard("grok2api:leases") == 0


def test_a_wrong_key_changes_nothing(server: RedisServer) -> None:
    with closing(opened(server, key="mine")) as store:
        add(store, 5)
    with admin(server) as client:
        before = contents(client)
        for key in ("", "yours"):
            with pytest.raises(ConfigurationError, match="SECRET_KEY"):
                opened(server, key=key, pools=(*POOLS, "new"))
        assert contents(client) == before


def contents(client: Any) -> dict[str, Any]:
    read = {"string": client.get, "hash": client.hgetall, "set": client.smembers}
    return {
        name: read.get(client.type(name), lambda name: client.zrange(name, 0, -1, withscores=True))(name)
        for name in client.scan_iter()
    }


def test_no_secret_is_readable_where_there_is_a_key(server: RedisServer) -> None:
    with closing(opened(server, key="mine")) as store, admin(server) as client:
        add(store, 3, name="a-long-and-secret-secret")
        store.settings.save({"cf_clearance": "clear as day"})
        values = [str(client.hgetall(f"grok2api:account:{id_}")) for id_ in (1, 2, 3)]
        values.append(str(client.hgetall("grok2api:settings")))
        assert "and-secret" not in "".join(values) and "clear as day" not in "".join(values)


def test_a_store_whose_key_was_replaced_writes_no_secret_and_takes_no_account(server: RedisServer) -> None:
    with closing(opened(server, key="old")) as late, closing(opened(server, key="old")) as store:
        add(store, 2)
        store.reseal(Vault("new"))
        for act in (
            lambda: add(late, 1, name="other"),
            lambda: late.settings.save({"a": 1}),
            lambda: late.leases.lease(ANY, NOW),
            lambda: late.leases.begin_check(1, NOW, NOW),
            lambda: late.accounts.restore(everyone(store)),
            lambda: late.responses.save(StoredResponse("resp_1", "owner", b"body", NOW + RESPONSE_KEPT_S)),
        ):
            with pytest.raises(StorageUnavailable, match="another SECRET_KEY"):
                act()
        assert [(one.in_flight, one.checked_at) for one in everyone(store)] == [(0, None)] * 2
        assert store.settings.load().values == {}


def test_sealing_while_others_add_loses_and_forgets_none(server: RedisServer) -> None:
    with closing(opened(server)) as store, closing(opened(server)) as other:
        add(store, 2000)
        stop = threading.Event()
        added: list[str] = []

        def go_on() -> None:
            while not stop.is_set():
                secret = f"late-{len(added):06}"
                try:
                    other.accounts.add([secret], Tier.BASIC, NOW)
                except StorageUnavailable:
                    return
                added.append(secret)
                time.sleep(0.2)

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            store.reseal(Vault("a key"))
        finally:
            stop.set()
            thread.join()
        assert len(everyone(store)) == 2000 + len(added)
        assert len(store.accounts.find(added)) == len(added)


def test_who_seals_too_late_finds_it_done(server: RedisServer) -> None:
    with closing(opened(server)) as store:
        add(store, 5)

        class Overtaken(Client):
            """Somebody seals everything when it has begun, before it reads the first secret."""

            def run(self, name: str, *arguments: Any) -> Any:
                if name == "secrets":
                    store.reseal(Vault("a key"))
                return super().run(name, *arguments)

        with closing(Overtaken(address.parse_address(server.url()))) as late:
            reseal(late, Vault(), Vault("a key"))
        assert len(everyone(store)) == 5


def test_a_response_that_is_saved_while_all_is_sealed_is_forgotten_too(server: RedisServer) -> None:
    saved = StoredResponse("resp_1", "owner", b"body", NOW + RESPONSE_KEPT_S)
    with closing(opened(server)) as store, admin(server) as client:

        class Busy(Client):
            """Somebody saves a response after the first look at what there is."""

            looked = False

            def command(self, *command: Any) -> Any:
                found = super().command(*command)
                if command[0] == "ZRANGE" and not self.looked:
                    self.looked = True
                    store.responses.save(saved)
                return found

        with closing(Busy(address.parse_address(server.url()))) as busy:
            reseal(busy, Vault(), Vault("a key"))
            assert busy.looked
        assert list(client.scan_iter("grok2api:response*")) == []
        with pytest.raises(StorageUnavailable, match="another SECRET_KEY"):
            store.responses.save(saved)


def test_a_place_with_responses_in_clear_is_not_sealed_beside_them(server: RedisServer) -> None:
    saved = StoredResponse("resp_1", "owner", b"body", NOW + RESPONSE_KEPT_S)
    with closing(opened(server, key="mine")) as sealed, admin(server) as client:
        client.flushdb()
        with closing(opened(server)) as store:
            store.responses.save(saved)
        with pytest.raises(StorageUnavailable, match="another SECRET_KEY"):
            sealed.settings.save({"a": 1})
        with closing(opened(server, key="mine")):
            assert list(client.scan_iter("grok2api:response*")) == []
        sealed.settings.save({"a": 1})


def test_a_pool_that_is_new_in_this_release_counts_for_old_accounts(server: RedisServer) -> None:
    with closing(opened(server)) as old:
        ids = add(old, 2500)
        old.accounts.edit(ids[:1], AccountEdit(disabled=True), NOW)
        take(old)
        with closing(opened(server, pools=(*POOLS, "new"))) as store:
            assert all(set(one.quotas) == {*POOLS, "new"} for one in everyone(store))
            shortage = store.leases.shortage(wanting(pool="new", exclude=tuple(ids)), NOW)
            assert (shortage.total, shortage.disabled, shortage.tried) == (2500, 1, 2499)
            old.accounts.add(["from-an-old-worker"], Tier.SUPER, NOW)
            lease = take(store, wanting(pool="new", tiers=(Tier.SUPER,)))
            assert lease.secret == "from-an-old-worker"
            end(old, lease)
            assert sum(one.in_flight for one in everyone(store)) == 1


def test_ids_are_kept_in_an_empty_place_only(server: RedisServer) -> None:
    with closing(opened(server)) as store:
        add(store, 1)
        (known,) = everyone(store)
        other = replace(known, secret="another", note="other")
        with pytest.raises(StorageUnavailable, match="exists already"):
            store.accounts.restore([other], keep_ids=True)
        assert everyone(store) == [known]


# --- numbers ---


def test_times_and_numbers_keep_all_their_digits(server: RedisServer) -> None:
    with closing(opened(server)) as store, admin(server) as client:
        client.set("grok2api:last_id", str(2**31 + 5))
        (id_,) = add(store, 1, at=NOW + 0.1234567)
        ends_at = NOW + 0.7654321 + 1000
        set_quota(store, [id_], "default", 999_999_999, now=NOW + 0.3333333, ends_at=ends_at)
        lease = take(store, at=NOW + 0.9876543)
        end(store, lease, Outcome.RATE_LIMITED, NOW + 1.0101010)
        (one,) = everyone(store)
        quota = one.quotas["default"]
        assert one.id == lease.account_id == 2**31 + 6
        assert (one.created_at, one.checked_at) == (NOW + 0.1234567, NOW + 0.3333333)
        assert (one.last_used_at, one.last_failure_at) == (NOW + 1.0101010, NOW + 1.0101010)
        assert (quota.remaining, quota.window_ends_at) == (999_999_998, ends_at)
        assert quota.cooldown_until == NOW + 1.0101010 + 3600
        assert store.accounts.stale(NOW + 0.3333333, 1) == []
        assert store.accounts.stale(NOW + 0.3333334, 1) == [id_]


# --- the same work for a request, whatever the pool's size ---


def commands_of_a_request(store: Store, client: Any) -> dict[str, int]:
    """How often each command was run for some leases and settlements, those inside of scripts included."""
    client.config_resetstat()
    for step in range(10):
        use(store, Outcome.SUCCESS, at=NOW + step)
    stats = client.info("commandstats")
    return {name: stat["calls"] for name, stat in stats.items() if name != "cmdstat_config|resetstat"}


def test_a_request_costs_the_same_commands_in_a_large_pool(server: RedisServer) -> None:
    with closing(opened(server)) as store, admin(server) as client:
        add(store, 10)
        use(store, Outcome.SUCCESS)  # the scripts are known from here on
        small = commands_of_a_request(store, client)
        client.config_set("slowlog-log-slower-than", "0")
        client.slowlog_reset()
        store.accounts.add([f"many-{number}" for number in range(20_000)], Tier.BASIC, NOW)
        slowest_ms = max(entry["duration"] for entry in client.slowlog_get(128)) / 1000
        client.config_set("slowlog-log-slower-than", "10000")
        assert slowest_ms < 50, "others waited for an adding"
        large = commands_of_a_request(store, client)
    assert large == small
    assert set(small) & {"cmdstat_scan", "cmdstat_keys", "cmdstat_time", "cmdstat_hgetall"} == set()


def test_a_crowd_that_returns_at_once_delays_nobody_for_long(server: RedisServer) -> None:
    with closing(opened(server)) as store, admin(server) as client:
        ids = add(store, 3000)
        known = everyone(store)
        store.accounts.delete(ids)
        empty = [
            replace(
                one,
                quotas={
                    **one.quotas,
                    "default": replace(one.quotas["default"], remaining=0, window_ends_at=NOW + 900),
                },
            )
            for one in known
        ]
        assert store.accounts.restore(empty).added == 3000
        assert store.leases.shortage(ANY, NOW).exhausted == 3000
        assert store.leases.lease(ANY, NOW) is None
        client.config_set("slowlog-log-slower-than", "0")
        client.slowlog_reset()
        took = [take(store, wanting(max_in_flight=1), NOW + 901) for _ in range(20)]
        slowest_ms = max(entry["duration"] for entry in client.slowlog_get(128)) / 1000
        client.config_set("slowlog-log-slower-than", "10000")
        assert len({lease.account_id for lease in took}) == 20
        assert slowest_ms < 50


def test_a_crowd_of_the_poor_is_stepped_over(server: RedisServer) -> None:
    with closing(opened(server)) as store, admin(server) as client:
        ids = add(store, 600)
        set_quota(store, ids, "default", 3, now=NOW)
        (rich,) = add(store, 1, name="rich")
        take(store, COSTLY)
        client.config_resetstat()
        assert take(store, COSTLY).account_id == rich
        assert client.info("commandstats")["cmdstat_zrangebylex"]["calls"] <= 3
