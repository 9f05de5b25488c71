"""/api/cache: wrong input, and what is cleared when there is nothing."""

from __future__ import annotations

import pytest

from tests.admin.answers import asked, refused
from tests.gateway import Gateway


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kind=picture", "kind"),
        ("kind=Image", "kind"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=1.5", "page"),
        ("page=x", "page"),
        ("page=99999999", "page"),
        ("page_size=0", "page_size"),
        ("page_size=1001", "page_size"),
    ],
)
def test_a_wrong_parameter_of_the_gallery_is_named(gateway: Gateway, query: str, field: str) -> None:
    status, document = refused(gateway, "GET", f"/api/cache/media?{query}")
    assert (status, document["code"]) == (400, "bad_request")
    assert field in document["error"]


def test_pages_beyond_the_last_are_empty(gateway: Gateway) -> None:
    answer = asked(gateway, "GET", "/api/cache/media?page=1000&page_size=50&kind=video").json()
    assert (answer["success"], answer["data"]) == (True, [])
    assert isinstance(answer["total"], int)


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("/api/cache/clear", {"deleted_count", "image_count", "video_count"}),
        ("/api/cache/clear/images", {"deleted_count", "image_count"}),
        ("/api/cache/clear/videos", {"deleted_count", "video_count"}),
    ],
)
def test_clearing_what_is_empty_clears_nothing(gateway: Gateway, path: str, counts: set[str]) -> None:
    asked(gateway, "POST", "/api/cache/clear", {})
    data = gateway.admin(path, {})
    assert data == dict.fromkeys(counts | {"freed_bytes"}, 0)


@pytest.mark.parametrize("path", ["/api/cache/clear", "/api/cache/size", "/api/cache/media"])
def test_a_wrong_method_is_405_in_the_admin_apis_words(gateway: Gateway, path: str) -> None:
    status, document = refused(gateway, "DELETE", path)
    assert (status, document["code"]) == (405, "method_not_allowed")


def test_a_body_beyond_the_limit_is_413_in_the_admin_apis_words(gateway: Gateway) -> None:
    gateway.set_settings(max_body_mb=1)
    answer = asked(gateway, "POST", "/api/tokens/add", {"tokens": ["x" * 1024 * 1024], "token_type": "sso"})
    assert answer.status_code == 413
    assert answer.json()["success"] is False and answer.json()["code"] == "request_entity_too_large"
