"""What a worker counts for `/metrics`, with prometheus-client. Nothing here is called per token.

Workers of one gateway count into files of a folder that its master has made (`metrics_folder.py`); a scrape of any of
them adds all up. Without such a folder (commands, tests) it is the process's own numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from grok2api import errors
from grok2api.accounts import Shortage
from grok2api.catalogue import Catalogue
from grok2api.errors import NoAccount, StorageUnavailable, UnknownModel, UpstreamError
from grok2api.media import Kind
from grok2api.metrics_folder import GAUGES, files_of
from grok2api.services import metric_table as table
from grok2api.services.metric_table import MetricRow

#: The label of models and routes that there are none of.
OTHER = "other"

CALLS = ("answer", "quota", "media")
MEDIA_EVENTS = ("hit", "miss", "download", "passed_through")
STORAGE_WORK = ("request", "lease", "settle", "renew")


class Metrics:
    """folder: where the gateway's workers count together, None: alone."""

    def __init__(self, catalogue: Catalogue, folder: Path | None = None) -> None:
        # The library chooses by the environment as it was when it was imported; here it is known for certain.
        values.ValueClass = values.MultiProcessValue() if folder else values.MutexValue
        self._folder = folder
        self._catalogue = catalogue
        self._registry = CollectorRegistry()
        self._requests = self._counter(table.REQUESTS)
        self._first_token = self._histogram(table.FIRST_TOKEN)
        self._total = self._histogram(table.TOTAL)
        self._streams = self._gauge(table.STREAMS)
        self._failures = self._counter(table.UPSTREAM_FAILURES)
        self._lease_time = self._histogram(table.LEASE_TIME)
        self._shortages = self._counter(table.SHORTAGES)
        self._leases = self._gauge(table.LEASES)
        self._media = self._counter(table.MEDIA)
        self._storage_errors = self._counter(table.STORAGE_ERRORS)
        self._gauge(table.WORKERS).set(1)
        self._show_zeros()

    def model_label(self, name: str) -> str:
        """A model's own name for a name or alias that a client gave; "" for none."""
        try:
            return self._catalogue.get(name).name if name else ""
        except UnknownModel:
            return OTHER

    def request(self, route: str, model: str, outcome: str) -> None:
        """A request has ended. route: the rule of its path. model: as clients name it."""
        self._requests.labels(route, self.model_label(model), outcome).inc()

    def answer(self, route: str, model: str, outcome: str, first_s: float | None, total_s: float) -> None:
        """A request for an answer has ended. first_s: None when nothing came."""
        label = self.model_label(model)
        self._requests.labels(route, label, outcome).inc()
        self._total.labels(label).observe(total_s)
        if first_s is not None:
            self._first_token.labels(label).observe(first_s)

    def stream_began(self) -> None:
        self._streams.inc()

    def stream_ended(self) -> None:
        self._streams.dec()

    def upstream_failed(self, call: str, error: UpstreamError) -> None:
        """call: one of CALLS."""
        self._failures.labels(call, error_label(type(error))).inc()

    def lease_asked(self, took_s: float, problem: Exception | None) -> None:
        """problem: what came instead of a lease."""
        self._lease_time.observe(took_s)
        if isinstance(problem, NoAccount):
            self._shortages.labels(problem.shortage.main_reason).inc()
        elif isinstance(problem, StorageUnavailable):
            self.storage_failed("lease")

    def leases_open(self, number: int) -> None:
        self._leases.set(number)

    def media(self, kind: Kind, event: str) -> None:
        """event: one of MEDIA_EVENTS."""
        self._media.labels(kind, event).inc()

    def storage_failed(self, work: str) -> None:
        """work: one of STORAGE_WORK."""
        self._storage_errors.labels(work).inc()

    def collect(self) -> list[Metric]:
        """What was counted, of all workers; takes some 0.4 ms for each."""
        if self._folder is None:
            return list(self._registry.collect())
        try:
            with files_of(self._folder) as files:
                return list(MultiProcessCollector.merge([str(file) for file in files]))
        except OSError:  # somebody has removed the folder: this worker's numbers are better than none
            return list(self._registry.collect())

    def _show_zeros(self) -> None:
        """Of what has few labels: a series that begins with its first event hides that event from `rate`."""
        for call in CALLS:
            for error in error_classes():
                self._failures.labels(call, error_label(error))
        for reason in Shortage.REASONS:
            self._shortages.labels(reason)
        for kind in Kind:
            for event in MEDIA_EVENTS:
                self._media.labels(kind, event)
        for work in STORAGE_WORK:
            self._storage_errors.labels(work)

    def _counter(self, row: MetricRow) -> Counter:
        return Counter(row.name, row.help.en, row.labels, registry=self._registry)

    def _gauge(self, row: MetricRow) -> Gauge:
        return Gauge(row.name, row.help.en, row.labels, registry=self._registry, multiprocess_mode=GAUGES)

    def _histogram(self, row: MetricRow) -> Histogram:
        return Histogram(row.name, row.help.en, row.labels, registry=self._registry, buckets=row.bounds_s)


def error_classes() -> Iterator[type[UpstreamError]]:
    """All that an error of upstream's can be."""
    for thing in vars(errors).values():
        if isinstance(thing, type) and issubclass(thing, UpstreamError) and thing is not UpstreamError:
            yield thing


def error_label(error: type[UpstreamError]) -> str:
    """`RateLimited` becomes `rate_limited`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__).lower()
