"""Who may look at /metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from grok2api.app import create_app
from grok2api.client_keys import ClientKey, KeyEdit
from grok2api.env import Env
from grok2api.services import Services
from grok2api.web.services import KEY

API_KEY = "sk-the-one-of-the-settings"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    made = create_app(Env(data_dir=tmp_path))
    yield made
    made.extensions[KEY].store.close()


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions[KEY]
    return found


def status(app: Flask, given: str = "", **headers: str) -> int:
    bearer = {"Authorization": f"Bearer {given}"} if given else {}
    answer = app.test_client().get("/metrics", headers=bearer | headers)
    assert (b"grok2api_workers" in answer.data) == (answer.status_code == 200)
    return answer.status_code


def token(app: Flask) -> str:
    answer = app.test_client().post("/api/login", json={"username": "admin", "password": "admin"})
    found: str = answer.get_json()["token"]
    return found


def named(services: Services, **fields: object) -> str:
    key = ClientKey(**{"id": 0, "name": "scraper", "digest": "", "hint": "", "created_at": 0.0, **fields})  # type: ignore[arg-type]
    _, text = services.client_keys.add(key)
    return text


def test_everybody_while_there_is_no_key(app: Flask) -> None:
    assert status(app) == 200 and status(app, "whatever") == 200


def test_the_key_a_named_key_or_the_operators_token_once_there_is_one(app: Flask, services: Services) -> None:
    services.settings.save({"api_key": API_KEY})
    key = named(services)
    for given in ("", "wrong", "é", API_KEY[:-1], "x" * 10_000):
        assert status(app, given) == 401, given
    assert status(app, Cookie="grok2api_session=forged") == 401
    for given in (API_KEY, key, token(app)):
        assert status(app, given) == 200, given


def test_the_operators_browser_may_look(app: Flask, services: Services) -> None:
    services.settings.save({"api_key": API_KEY})
    client = app.test_client()
    client.post("/api/login", json={"username": "admin", "password": "admin"})
    assert client.get("/metrics").status_code == 200
    client.set_cookie("grok2api_session", "")
    assert client.get("/metrics").status_code == 401


def test_a_named_key_alone_closes_and_one_that_is_over_does_not_open(app: Flask, services: Services) -> None:
    key, over = named(services), named(services, name="over", expires_at=1.0)
    assert status(app) == 401 and status(app, over) == 401 and status(app, key) == 200
    services.client_keys.edit([one.id for one in services.client_keys.all()], KeyEdit(enabled=False))
    assert status(app, key) == 401 and status(app) == 401


def test_a_scrape_does_not_count_against_a_keys_limits(app: Flask, services: Services) -> None:
    key = named(services, per_minute=1)
    assert [status(app, key) for _ in range(3)] == [200] * 3


def test_everybody_when_it_is_public(app: Flask, services: Services) -> None:
    services.settings.save({"api_key": API_KEY, "metrics_public": True})
    assert status(app) == 200 and status(app, "wrong") == 200
    services.settings.save({"metrics_public": False})
    assert status(app) == 401


def test_refusals_are_in_the_apis_words_and_all_is_kept_out_of_caches(app: Flask, services: Services) -> None:
    services.settings.save({"api_key": API_KEY})
    answer = app.test_client().get("/metrics")
    assert answer.get_json()["error"]["type"] and API_KEY not in answer.get_data(as_text=True)
    shown = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {API_KEY}"})
    assert shown.headers["Cache-Control"] == "no-store" and API_KEY not in shown.get_data(as_text=True)
