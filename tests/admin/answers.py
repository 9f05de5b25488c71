"""The tokens endpoints' answers, for tests."""

from __future__ import annotations

from typing import Any

import requests

from tests.gateway import Gateway


def listed(gateway: Gateway, query: str = "") -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = gateway.get_admin(f"/api/tokens{query}")["data"]
    return data


def secrets(gateway: Gateway, query: str = "") -> list[str]:
    return [token["token"] for token in listed(gateway, query)]


def asked(gateway: Gateway, method: str, path: str, body: Any = None) -> requests.Response:
    """The operator's request, whatever comes of it."""
    if not gateway.token:
        gateway.admin("/api/settings", {})
    headers = {"Authorization": f"Bearer {gateway.token}"}
    return requests.request(method, gateway.url + path, json=body, headers=headers, timeout=60)


def refused(gateway: Gateway, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and document of an answer that must be an error."""
    answer = asked(gateway, method, path, body)
    document = answer.json()
    assert document["success"] is False and document["error"] and document["code"], document
    return answer.status_code, document
