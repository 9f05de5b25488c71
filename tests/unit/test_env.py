"""The process-level variables: each one, and each value that cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from grok2api.env import PROJECT_ROOT, Env
from grok2api.errors import ConfigurationError


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grok2api.env.usable_cpus", lambda: 2)


def complaint(**values: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        Env.from_environ(values)
    message = caught.value.message
    assert "\n" not in message and len(message) < 300
    assert message.startswith(f"{next(iter(values))}=") and message.endswith(".")
    return message


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Env.from_environ({}) == Env()
    assert Env() == Env(
        data_dir=PROJECT_ROOT / "instance", storage_mode="file", database_url="", upstream_url="https://grok.com",
        assets_url="https://assets.grok.com", fetch_allow=(), media_accel="",
        secret_key="", admin_password="", host="127.0.0.1", port=8000,
        workers=2, worker_connections=1000, trusted_proxies=0, log_dir=None, log_format="console",
        storage_wait_s=60, metrics_dir=None,
    )  # fmt: skip


@pytest.mark.parametrize(("processors", "workers"), [(1, 2), (2, 2), (3, 3), (8, 8), (64, 8)])
def test_there_is_a_worker_for_each_processor_within_bounds(
    monkeypatch: pytest.MonkeyPatch, processors: int, workers: int
) -> None:
    monkeypatch.setattr("grok2api.env.usable_cpus", lambda: processors)
    assert Env.from_environ({}).workers == workers
    assert Env.from_environ({"WEB_CONCURRENCY": "1"}).workers == 1


NAMES = (
    "GROK2API_DATA_DIR", "STORAGE_MODE", "DATABASE_URL", "GROK2API_UPSTREAM_URL",
    "GROK2API_ASSETS_URL", "GROK2API_FETCH_ALLOW", "GROK2API_MEDIA_ACCEL",
    "SECRET_KEY", "ADMIN_PASSWORD", "HOST", "PORT", "WEB_CONCURRENCY", "WORKER_CONNECTIONS",
    "TRUSTED_PROXIES", "LOG_DIR", "LOG_FORMAT", "STORAGE_WAIT_S", "PROMETHEUS_MULTIPROC_DIR",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_an_empty_variable_is_an_unset_one(name: str, value: str) -> None:
    assert Env.from_environ({name: value}) == Env()


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("GROK2API_DATA_DIR", "/srv/data", "data_dir", Path("/srv/data")),
        ("GROK2API_DATA_DIR", "data", "data_dir", Path.cwd() / "data"),
        ("GROK2API_DATA_DIR", "~/data", "data_dir", Path.home() / "data"),
        ("STORAGE_MODE", "MySQL", "storage_mode", "mysql"),
        ("STORAGE_MODE", " redis ", "storage_mode", "redis"),
        ("DATABASE_URL", "mysql://u:p@h/d", "database_url", "mysql://u:p@h/d"),
        ("GROK2API_UPSTREAM_URL", "http://127.0.0.1:9/", "upstream_url", "http://127.0.0.1:9"),
        ("GROK2API_UPSTREAM_URL", "https://host/path//", "upstream_url", "https://host/path"),
        ("GROK2API_UPSTREAM_URL", "http://[::1]:9", "upstream_url", "http://[::1]:9"),
        ("GROK2API_ASSETS_URL", "http://127.0.0.1:9/a/", "assets_url", "http://127.0.0.1:9/a"),
        ("GROK2API_FETCH_ALLOW", "Nas.lan:80, [::1]:9,,nas.lan:80", "fetch_allow", ("nas.lan:80", "[::1]:9")),
        ("GROK2API_MEDIA_ACCEL", "/_media/", "media_accel", "/_media/"),
        ("SECRET_KEY", " s3cret ", "secret_key", "s3cret"),
        ("ADMIN_PASSWORD", "pass word", "admin_password", "pass word"),
        ("HOST", "0.0.0.0", "host", "0.0.0.0"),
        ("PORT", "65535", "port", 65535),
        ("PORT", " 0080 ", "port", 80),
        ("WEB_CONCURRENCY", "1", "workers", 1),
        ("WORKER_CONNECTIONS", "20", "worker_connections", 20),
        ("STORAGE_WAIT_S", "0", "storage_wait_s", 0),
        ("TRUSTED_PROXIES", "0", "trusted_proxies", 0),
        ("PROMETHEUS_MULTIPROC_DIR", "/run/g", "metrics_dir", Path("/run/g")),
        ("LOG_DIR", "logs", "log_dir", Path.cwd() / "logs"),
        ("LOG_FORMAT", "JSON", "log_format", "json"),
    ],
)
def test_each_variable_sets_its_field_and_no_other(
    name: str, value: str, field: str, expected: object
) -> None:
    env = Env.from_environ({name: value, "PATH": "/bin"})
    assert getattr(env, field) == expected
    others = set(vars(env)) - {field}
    assert all(getattr(env, other) == getattr(Env(), other) for other in others)


def test_the_process_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORT", "8123")
    assert Env.from_environ().port == 8123


@pytest.mark.parametrize("value", ["sqlite", "FILES", "file mysql", "x" * 5000, "a\nb"])
def test_an_unknown_storage_names_the_known_ones(value: str) -> None:
    assert "must be one of file, mysql, redis" in complaint(STORAGE_MODE=value)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("PORT", 1, 65535), ("WEB_CONCURRENCY", 1, 256), ("TRUSTED_PROXIES", 0, 16)]
)
def test_a_number_out_of_bounds_or_none_names_the_bounds(name: str, low: int, high: int) -> None:
    for value in (
        str(low - 1),
        str(high + 1),
        "x",
        "1.0",
        "+1",
        "1e1",
        "0x1",
        "\u0661",
        "1\n2",
        "1_0",
        "9" * 5000,
    ):
        assert f"must be a whole number from {low} to {high}" in complaint(**{name: value})
    for bound in (low, high):
        assert bound in vars(Env.from_environ({name: str(bound)})).values()


@pytest.mark.parametrize(
    "value",
    ["grok.com", "ftp://grok.com", "https://", "https:///path", "http://host:port", "http://host:99999", "http://[::1",
     "http://ho st", "http://host?x=1", "http://host/#x", "http://ho\nst", "/"],
)  # fmt: skip
def test_what_is_no_url_is_shown_one(value: str) -> None:
    assert "must be a URL such as https://" in complaint(GROK2API_UPSTREAM_URL=value)


@pytest.mark.parametrize("name", ["GROK2API_DATA_DIR", "LOG_DIR"])
def test_the_home_of_nobody_is_no_folder(name: str) -> None:
    assert "home directory" in complaint(**{name: "~nobody-of-this-name/data"})
