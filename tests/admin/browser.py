"""A browser as the console's pages are one: it keeps its cookies and sends the CSRF token."""

from __future__ import annotations

from typing import Any

import requests


class Browser:
    """Of a gateway at `url`; on a new connection for each request, so that any worker may get it.

    headers: that each request has, such as those of a proxy.
    """

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"Connection": "close"} | headers)
        self.csrf: dict[str, str] = {}
        self.token = ""

    def log_in(self, password: str = "admin", username: str = "admin", **headers: str) -> requests.Response:
        """Whatever comes of it."""
        body = {"username": username, "password": password}
        answer = self.session.post(f"{self.url}/api/login", json=body, headers=headers, timeout=60)
        if answer.ok:
            self.csrf = {"X-CSRF-Token": answer.json()["csrf_token"]}
            self.token = answer.json()["token"]
        return answer

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        return self.session.post(self.url + path, json=body or {}, headers=self.csrf | headers, timeout=60)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(self.url + path, headers=headers, timeout=60, allow_redirects=False)


def by_bearer(url: str, token: str) -> int:
    """The status that a script gets with this token."""
    headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
    return requests.get(f"{url}/api/settings", headers=headers, timeout=60).status_code
