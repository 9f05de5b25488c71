"""POST /api/tokens/add."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway import Gateway


def test_pasted_values_are_cleaned_counted_and_used(gateway: Gateway) -> None:
    gateway.set_accounts()
    pasted = [
        "sim-basic-ok-a",
        " sso=sim-basic-ok-b; sso-rw=x ",
        "\n",
        "sim-basic-ok-a\nsim-basic-ok-c\n\n",
        "нет",
    ]
    data = gateway.admin("/api/tokens/add", {"tokens": pasted, "token_type": "sso"})
    assert data == {"added": 3, "duplicates": 1, "moved": 0, "invalid": 1}
    assert gateway.chat("Hello").status_code == 200


def test_adding_under_the_other_type_moves(gateway: Gateway) -> None:
    gateway.set_accounts(["sim-super-ok-a"])
    assert gateway.chat("Hello", model="grok-4-heavy").status_code == 503
    data = gateway.admin("/api/tokens/add", {"tokens": ["sim-super-ok-a"], "token_type": "ssoSuper"})
    assert data == {"added": 0, "duplicates": 0, "moved": 1, "invalid": 0}
    assert gateway.chat("Hello", model="grok-4-heavy").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tokens": "x", "token_type": "sso"},
        {"tokens": [1], "token_type": "sso"},
        {"tokens": [], "token_type": "x"},
    ],
)
def test_a_wrong_body_is_400(gateway: Gateway, body: Any) -> None:
    gateway.admin("/api/tokens/add", {"tokens": [], "token_type": "sso"})
    headers = {"Authorization": f"Bearer {gateway.token}"}
    answer = gateway.post("/api/tokens/add", body, **headers)
    assert (answer.status_code, answer.json()["success"]) == (400, False)


def test_ten_thousand_are_added_in_seconds(gateway: Gateway) -> None:
    values = [f"sim-basic-ok-many{n}" for n in range(10_000)]
    data = gateway.admin("/api/tokens/add", {"tokens": values, "token_type": "sso"})
    assert data["added"] == 10_000
    assert gateway.chat("Hello").status_code == 200
