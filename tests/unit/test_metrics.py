"""What is counted for `/metrics`, and its labels, of which there are few whatever clients send."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from grok2api import errors
from grok2api.accounts import Shortage, Status, Tier, TierSummary
from grok2api.catalogue import MODELS, Catalogue
from grok2api.errors import NoAccount, RateLimited, StorageUnavailable, UpstreamError, UpstreamTimeout
from grok2api.media import Kind
from grok2api.services.exposition import accounts, build, render
from grok2api.services.metric_table import METRICS
from grok2api.services.metrics import Metrics, error_classes, error_label

COUNTS = {
    tier: TierSummary(dict.fromkeys(Status, 3), 1, 2, {"default": 80, "heavy": 0}, {"default": 4, "heavy": 5})
    for tier in Tier
}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(Catalogue())


def shown(metrics: Metrics, accept: str = "") -> str:
    body, _ = render([*metrics.collect(), *build("file"), *accounts(COUNTS)], accept)
    return body.decode()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(shown(metrics)):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return None


def test_an_answer_is_counted_with_its_times(metrics: Metrics) -> None:
    metrics.answer("/v1/chat/completions", "grok-4.1", "ok", 0.3, 4.0)
    metrics.answer("/v1/chat/completions", "grok-4.1", "failed", None, 700.0)
    labels = {"route": "/v1/chat/completions", "model": "grok-4.1"}
    assert value(metrics, "grok2api_requests_total", outcome="ok", **labels) == 1
    assert value(metrics, "grok2api_requests_total", outcome="failed", **labels) == 1
    assert value(metrics, "grok2api_answer_seconds_sum", model="grok-4.1") == 704
    assert value(metrics, "grok2api_answer_seconds_bucket", model="grok-4.1", le="600.0") == 1
    assert value(metrics, "grok2api_answer_seconds_bucket", model="grok-4.1", le="2.0") == 0
    assert value(metrics, "grok2api_first_token_seconds_count", model="grok-4.1") == 1
    assert value(metrics, "grok2api_first_token_seconds_bucket", model="grok-4.1", le="0.5") == 1
    assert value(metrics, "grok2api_first_token_seconds_bucket", model="grok-4.1", le="0.25") == 0


def test_what_another_release_has_counted_comes_last(metrics: Metrics) -> None:
    foreign = GaugeMetricFamily("grok2api_of_the_next_release", "New.", value=1)
    body, _ = render([foreign, *metrics.collect()], "")
    families = [family.name for family in text_string_to_metric_families(body.decode())]
    assert families[-1] == foreign.name and len(families) > 5


def test_names_that_clients_make_up_are_one_label(metrics: Metrics) -> None:
    metrics.answer("/v1/chat/completions", "made up", "refused", 0.1, 0.1)
    before = shown(metrics).count("\n")
    for number in range(1000):
        metrics.request("/v1/chat/completions", f'model-{number}\n"}}', "refused")
        metrics.answer("/v1/chat/completions", f"{number}", "refused", 0.1, 0.1)
    assert shown(metrics).count("\n") == before
    labels = {"route": "/v1/chat/completions", "model": "other", "outcome": "refused"}
    assert value(metrics, "grok2api_requests_total", **labels) == 2001


def test_an_alias_counts_as_its_model_and_no_name_as_none(metrics: Metrics) -> None:
    assert metrics.model_label("dall-e-3") == "grok-imagine-0.9"
    assert metrics.model_label("") == ""
    assert {metrics.model_label(model.name) for model in MODELS} == {model.name for model in MODELS}


def test_two_in_one_process_do_not_meet(metrics: Metrics) -> None:
    other = Metrics(Catalogue())
    metrics.media(Kind.IMAGE, "hit")
    assert value(metrics, "grok2api_media_cache_total", kind="image", event="hit") == 1
    assert value(other, "grok2api_media_cache_total", kind="image", event="hit") == 0


def test_each_kind_of_upstreams_failures_has_its_label_from_the_start(metrics: Metrics) -> None:
    labels = [error_label(error) for error in error_classes()]
    assert {"rate_limited", "challenged", "upstream_timeout", "account_dead"} <= set(labels)
    assert len(labels) == len(set(labels)) == _classes_under(UpstreamError)
    for label in labels:
        assert value(metrics, "grok2api_upstream_failures_total", call="answer", error=label) == 0
    metrics.upstream_failed("quota", RateLimited("Too many."))
    metrics.upstream_failed("quota", UpstreamTimeout("Too late."))
    assert value(metrics, "grok2api_upstream_failures_total", call="quota", error="rate_limited") == 1
    assert value(metrics, "grok2api_upstream_failures_total", call="quota", error="upstream_timeout") == 1


def _classes_under(base: type[UpstreamError]) -> int:
    ours = [one for one in base.__subclasses__() if one.__module__ == errors.__name__]
    return len(ours) + sum(_classes_under(one) for one in ours)


def test_taking_leases_is_timed_and_what_came_instead_is_told(metrics: Metrics) -> None:
    metrics.lease_asked(0.003, None)
    metrics.lease_asked(10.0, StorageUnavailable("The storage does not answer."))
    metrics.lease_asked(0.003, NoAccount(Shortage(total=3, wrong_tier=2, cooling=1)))
    assert value(metrics, "grok2api_lease_seconds_count") == 3
    assert value(metrics, "grok2api_lease_shortages_total", reason="cooling") == 1
    assert value(metrics, "grok2api_storage_errors_total", work="lease") == 1


@pytest.mark.parametrize(
    ("shortage", "reason"),
    [
        (Shortage(), "no_account"),
        (Shortage(total=9, cooling=1, exhausted=2, wrong_tier=6), "exhausted"),
        (Shortage(total=9, busy=1, disabled=8), "busy"),
        (Shortage(total=1, tried=1), "tried"),
        (Shortage(total=9, expired=3, disabled=6), "disabled"),
        (Shortage(total=9, wrong_tier=9), "wrong_tier"),
    ],
)
def test_a_shortage_has_one_main_reason(shortage: Shortage, reason: str) -> None:
    assert shortage.main_reason == reason and reason in Shortage.REASONS


def test_every_metric_of_the_table_is_shown_with_its_type_and_labels(metrics: Metrics) -> None:
    metrics.answer("/v1/chat/completions", "grok-4.1", "ok", 0.3, 4.0)
    families = {family.name: family for family in text_string_to_metric_families(shown(metrics))}
    assert len(METRICS) == len({row.name for row in METRICS})
    for row in METRICS:
        family = families.pop(row.name.removesuffix("_total"))
        assert (family.type, family.documentation) == (row.type, row.help.en)
        assert family.samples
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(row.labels), sample
    assert all(name.endswith("_created") for name in families)


def test_a_storage_that_is_away_leaves_out_what_is_its_own() -> None:
    [up] = accounts(None)
    assert [sample.value for sample in up.samples] == [0]


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain; version=9.9.nine", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text; version=nine", True),
        ("application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4", True),
    ],
)
def test_the_header_chooses_between_two_formats(metrics: Metrics, accept: str, openmetrics: bool) -> None:
    metrics.answer("/v1/chat/completions", "grok-4.1", "ok", 0.3, 4.0)
    body, content_type = render(metrics.collect(), accept)
    expected = "application/openmetrics-text; version=1.0.0" if openmetrics else "text/plain; version=0.0.4"
    assert content_type == f"{expected}; charset=utf-8"
    parser: Any = openmetrics_parser if openmetrics else None
    parse = parser.text_string_to_metric_families if parser else text_string_to_metric_families
    assert {family.name for family in parse(body.decode())} >= {"grok2api_requests", "grok2api_workers"}
    assert body.endswith(b"# EOF\n") == openmetrics
