"""GET /v1/models."""

from __future__ import annotations

from grok2api.catalogue import MODELS
from tests.gateway import Gateway


def test_the_catalogue_is_listed_in_openais_form(gateway: Gateway) -> None:
    body = gateway.session.get(f"{gateway.url}/v1/models").json()
    assert body["object"] == "list"
    assert [row["id"] for row in body["data"]] == [name for model in MODELS for name in model.names]
    for row in body["data"]:
        assert (row["object"], row["owned_by"], type(row["created"])) == ("model", "xai", int)


def test_an_unknown_model_is_404_in_the_envelope(gateway: Gateway) -> None:
    response = gateway.session.get(f"{gateway.url}/v1/models/nope/nope")
    assert response.status_code == 404
    error = response.json()["error"]
    assert (error["code"], error["param"], error["type"]) == (
        "model_not_found",
        "model",
        "invalid_request_error",
    )
