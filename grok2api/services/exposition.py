"""What a scrape of `/metrics` is told, in the text formats of Prometheus and OpenMetrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from grok2api import __version__
from grok2api.services import metric_table as table
from grok2api.services.account_counts import Counts
from grok2api.services.metric_table import METRICS, MetricRow

_ORDER = {row.name.removesuffix("_total"): place for place, row in enumerate(METRICS)}


def build(storage_mode: str) -> Iterator[Metric]:
    yield _gauge(table.BUILD, [((__version__, storage_mode), 1)])


def accounts(counts: Counts | None) -> Iterator[Metric]:
    """counts: None when the storage is away."""
    yield _gauge(table.STORAGE_UP, [((), counts is not None)])
    if counts is None:
        return
    tiers = counts.items()
    yield _gauge(
        table.ACCOUNTS, [((tier, status), n) for tier, one in tiers for status, n in one.statuses.items()]
    )
    yield _gauge(table.DISABLED, [((tier,), one.disabled) for tier, one in tiers])
    yield _gauge(table.FIT, [((tier,), one.fit) for tier, one in tiers])
    yield _gauge(
        table.CALLS_LEFT, [((tier, pool), n) for tier, one in tiers for pool, n in one.remaining.items()]
    )
    yield _gauge(
        table.QUOTA_UNKNOWN, [((tier, pool), n) for tier, one in tiers for pool, n in one.unknown.items()]
    )


def render(families: Iterable[Metric], accept: str) -> tuple[bytes, str]:
    """Body and content type. accept: the header; its versions are not looked at, there are only the first ones."""
    openmetrics = "application/openmetrics-text" in accept.lower()
    encode, content_type = choose_encoder("application/openmetrics-text" if openmetrics else "")
    return encode(_Collected(sorted(families, key=_place))), content_type


def _place(family: Metric) -> int:
    """Last, what this release does not know: workers of another one may count into the same folder."""
    return _ORDER.get(family.name, len(_ORDER))


class _Collected:
    """As the library wants to have it."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _gauge(row: MetricRow, samples: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(row.name, row.help.en, labels=row.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family
