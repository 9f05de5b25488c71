"""Redis: a server that the workers of any number of nodes share. Every operation is a script that the server
runs as a whole; time comes from the callers. One server (or a primary with replicas), not a cluster."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Sequence

from flask import Flask
from redis.exceptions import AuthenticationError, AuthorizationError, ConnectionError
from redis.exceptions import TimeoutError as AnswerTimeout

from grok2api.env import Env
from grok2api.errors import ConfigurationError, StorageUnavailable
from grok2api.storage.base import Store
from grok2api.storage.redis.accounts import RedisAccounts
from grok2api.storage.redis.address import Address, parse_address
from grok2api.storage.redis.audit import RedisAudit
from grok2api.storage.redis.client import BATCH, Client, cause
from grok2api.storage.redis.client_keys import RedisKeys
from grok2api.storage.redis.durability import durability_warnings
from grok2api.storage.redis.jobs import RedisJobs
from grok2api.storage.redis.keys import Key
from grok2api.storage.redis.leases import RedisLeases
from grok2api.storage.redis.logins import RedisLogins
from grok2api.storage.redis.media import RedisMedia
from grok2api.storage.redis.request_log import RedisRequestLog
from grok2api.storage.redis.responses import RedisResponses
from grok2api.storage.redis.sealing import check_value, reseal
from grok2api.storage.redis.sessions import RedisSessions
from grok2api.storage.redis.settings import RedisSettings, first_version
from grok2api.storage.redis.upgrades import check_schema, upgrade
from grok2api.storage.redis.usage import RedisUsage
from grok2api.storage.vault import Vault

_RETRY_S = 0.5
_SAY_S = 5.0

log = logging.getLogger(__name__)


def open_store(app: Flask, env: Env, pools: Sequence[str], vault: Vault) -> Store:
    """The store on the server that DATABASE_URL names. app: not needed."""
    address = parse_address(env.database_url)
    client = Client(address)
    try:
        _wait_for(client, address, env.storage_wait_s)
        version = check_schema(client, _shown(address))
        vault.verify(check_value(client))
        upgrade(client, version)
        store = RedisStore(client, pools, vault)
        warnings = store.warnings()
    except StorageUnavailable as error:
        client.close()
        raise ConfigurationError(f"{_shown(address)}: {error.message}") from error
    except BaseException:
        client.close()
        raise
    for warning in warnings:
        log.error("%s", warning)
    return store


def _shown(address: Address) -> str:
    return f"Redis at {address.name}"


def _wait_for(client: Client, address: Address, wait_s: float) -> None:
    """Until the server is up. Raises ConfigurationError."""
    until = time.monotonic() + wait_s
    said_at = 0.0
    while True:
        try:
            client.command("PING")
            return
        except StorageUnavailable as error:
            reason = error.__cause__ or error
            if not _may_pass(reason):
                raise ConfigurationError(f"{_shown(address)}: {cause(reason)}. Mend DATABASE_URL.") from error
            if time.monotonic() > until:
                raise ConfigurationError(
                    f"{_shown(address)}: cannot be reached ({cause(reason)})."
                ) from error
            if time.monotonic() - said_at > _SAY_S:
                log.warning("waiting for %s (%s)", _shown(address), cause(reason))
                said_at = time.monotonic()
        time.sleep(_RETRY_S)


def _may_pass(error: BaseException) -> bool:
    """Whether waiting may help: not against a wrong password, database or certificate."""
    if isinstance(error, (AuthenticationError, AuthorizationError)):
        return False
    if isinstance(error.__cause__ or error.__context__, ssl.SSLCertVerificationError):
        return False
    return isinstance(error, (ConnectionError, AnswerTimeout, OSError))


class RedisStore(Store):
    leases: RedisLeases
    accounts: RedisAccounts
    settings: RedisSettings
    responses: RedisResponses
    media: RedisMedia
    keys: RedisKeys

    def __init__(self, client: Client, pools: Sequence[str], vault: Vault) -> None:
        """Data that is not sealed yet is sealed with the vault; a vault that does not fit raises ConfigurationError
        before anything is written."""
        self._client = client
        kept = check_value(client)
        vault.verify(kept)
        held = vault if kept is not None else Vault()
        self.leases = RedisLeases(client, held)
        self.accounts = RedisAccounts(client, pools, held)
        self.settings = RedisSettings(client, held)
        self.sessions = RedisSessions(client)
        self.jobs = RedisJobs(client)
        self.responses = RedisResponses(client, held)
        self.media = RedisMedia(client)
        self.logins = RedisLogins(client)
        self.audit = RedisAudit(client)
        self.usage = RedisUsage(client)
        self.keys = RedisKeys(client)
        self.requests = RedisRequestLog(client)
        client.command("SETNX", Key.SETTINGS_VERSION, first_version())
        if kept != vault.check_value:
            self.reseal(vault)
        self.accounts.complete_pools()

    def ping(self) -> None:
        self._client.command("PING")

    def warnings(self) -> list[str]:
        return durability_warnings(self._client)

    def clear(self) -> None:
        """In batches, as `delete`."""
        while ids := self._client.command("ZRANGE", Key.ACCOUNTS, 0, BATCH - 1):
            self._client.run("delete", *ids)
        self.responses.forget_all()
        self.media.forget_all()
        self.keys.forget_all()
        self._client.together(("DEL", Key.SETTINGS, Key.VOID), ("INCR", Key.SETTINGS_VERSION))

    def reseal(self, new: Vault) -> None:
        reseal(self._client, self.accounts.vault, new)
        self.leases.vault = self.accounts.vault = self.settings.vault = self.responses.vault = new

    def close(self) -> None:
        self._client.close()
