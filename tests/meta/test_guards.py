"""Every route is guarded by what its blueprint says, and none is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from grok2api.app import create_app
from grok2api.env import Env
from grok2api.web import BLUEPRINTS
from grok2api.web.services import KEY

OPEN = {"/health", "/ready", "/static/<path:filename>", "/images/<path:path>", "/login", "/api/login"}
#: Where they send who has no session.
TO_THE_LOGIN = {
    "/": "/manage",
    "/manage": "/login?next=/manage",
    "/manage/<page>": "/login?next=/manage/settings",
}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    made = create_app(Env(data_dir=tmp_path))
    yield made
    made.extensions[KEY].store.close()


def _routes(app: Flask) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield method, rule.rule


def test_every_blueprint_says_its_guard(app: Flask) -> None:
    assert {blueprint.name for blueprint, _ in BLUEPRINTS} == set(app.blueprints)


def test_every_route_but_the_open_ones_refuses_who_has_no_key_and_no_session(app: Flask) -> None:
    app.extensions[KEY].settings.save({"api_key": "sk-x"})
    client = app.test_client()
    for method, rule in _routes(app):
        path = (
            rule.replace("<path:name>", "x")
            .replace("<name>", "x")
            .replace("<path:path>", "x")
            .replace("<path:filename>", "css/base.css")
            .replace("<page>", "settings")
        )
        with client.open(path, method=method, json={} if method == "POST" else None) as response:
            if rule in TO_THE_LOGIN:
                assert (response.status_code, response.location) == (302, TO_THE_LOGIN[rule]), rule
            else:
                assert (response.status_code == 401) == (rule not in OPEN), (method, rule)
