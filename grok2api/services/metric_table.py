"""The metrics that `/metrics` shows, one declarative table: counting, the exposition and the docs come from it.

Labels have few values: names of routes, models and classes, never what clients send.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grok2api.settings import Text

PREFIX = "grok2api_"

#: Upper ends of the histograms' classes, in seconds.
FIRST_TOKEN_BOUNDS_S = (0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 30, 60, 120, 300, 600)
TOTAL_BOUNDS_S = (0.25, 0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 180, 300, 600)
LEASE_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass(frozen=True)
class MetricRow:
    """One row. name: with the suffix of its type. bounds_s: of a histogram's classes.

    shared: the same number from every worker and node, because it is the storage's.
    """

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: Text
    labels: tuple[str, ...] = ()
    bounds_s: tuple[float, ...] = ()
    shared: bool = False


REQUESTS = MetricRow(
    f"{PREFIX}requests_total", "counter", Text("Requests that have ended", "已结束的请求"),
    ("route", "model", "outcome"),
)  # fmt: skip
FIRST_TOKEN = MetricRow(
    f"{PREFIX}first_token_seconds", "histogram",
    Text("Time until the first content of an answer", "到回答首个内容的时间"), ("model",), FIRST_TOKEN_BOUNDS_S,
)  # fmt: skip
TOTAL = MetricRow(
    f"{PREFIX}answer_seconds", "histogram",
    Text("Time of requests for an answer, however they ended", "请求回答的总时间，无论结果如何"),
    ("model",), TOTAL_BOUNDS_S,
)  # fmt: skip
STREAMS = MetricRow(
    f"{PREFIX}streams_open", "gauge", Text("Answers being streamed to clients", "正在向客户端流式发送的回答")
)
UPSTREAM_FAILURES = MetricRow(
    f"{PREFIX}upstream_failures_total", "counter",
    Text("Calls of Grok that failed, also when another account made up for it", "对 Grok 的失败调用，含由其他账号补救的"),
    ("call", "error"),
)  # fmt: skip
LEASE_TIME = MetricRow(
    f"{PREFIX}lease_seconds", "histogram",
    Text("Time that taking an account from the storage took", "从存储中取得账号所用的时间"), (), LEASE_BOUNDS_S,
)  # fmt: skip
SHORTAGES = MetricRow(
    f"{PREFIX}lease_shortages_total", "counter",
    Text("Attempts for which no account was fit, by what most stood in the way", "没有可用账号的尝试，按主要原因"),
    ("reason",),
)  # fmt: skip
LEASES = MetricRow(
    f"{PREFIX}leases_open", "gauge", Text("Accounts in use by requests", "请求正在使用的账号数")
)
MEDIA = MetricRow(
    f"{PREFIX}media_cache_total", "counter",
    Text("Pictures and videos looked up in the cache, downloaded, or passed through", "图片与视频：缓存查找、下载、直接转发"),
    ("kind", "event"),
)  # fmt: skip
STORAGE_ERRORS = MetricRow(
    f"{PREFIX}storage_errors_total", "counter",
    Text("Work that failed because the storage was away", "因存储不可用而失败的操作"), ("work",),
)  # fmt: skip
WORKERS = MetricRow(f"{PREFIX}workers", "gauge", Text("Worker processes", "工作进程数"))
BUILD = MetricRow(
    f"{PREFIX}build_info", "gauge", Text("1; the release and the storage", "恒为 1；版本与存储"), ("version", "storage")
)  # fmt: skip
STORAGE_UP = MetricRow(
    f"{PREFIX}storage_up", "gauge", Text("Whether the storage could be read; if not, what follows is missing", "存储是否可读；为 0 时以下各项缺失")
)  # fmt: skip
ACCOUNTS = MetricRow(
    f"{PREFIX}accounts", "gauge", Text("Accounts by status", "各状态的账号数"), ("tier", "status"), shared=True
)  # fmt: skip
DISABLED = MetricRow(
    f"{PREFIX}accounts_disabled", "gauge", Text("Accounts that are disabled", "已停用的账号数"), ("tier",),
    shared=True,
)  # fmt: skip
FIT = MetricRow(
    f"{PREFIX}accounts_fit", "gauge",
    Text("Accounts that could take a request now", "现在可以接受请求的账号数"), ("tier",), shared=True,
)  # fmt: skip
CALLS_LEFT = MetricRow(
    f"{PREFIX}calls_left", "gauge",
    Text("Calls left, of accounts of which it is known", "剩余调用次数，仅计已知的账号"), ("tier", "pool"), shared=True,
)  # fmt: skip
QUOTA_UNKNOWN = MetricRow(
    f"{PREFIX}accounts_quota_unknown", "gauge",
    Text("Accounts whose calls left are not known", "剩余调用次数未知的账号数"), ("tier", "pool"), shared=True,
)  # fmt: skip

#: In the order of the exposition.
METRICS: tuple[MetricRow, ...] = (
    REQUESTS, FIRST_TOKEN, TOTAL, STREAMS, UPSTREAM_FAILURES, LEASE_TIME, SHORTAGES, LEASES, MEDIA, STORAGE_ERRORS,
    WORKERS, BUILD, STORAGE_UP, ACCOUNTS, DISABLED, FIT, CALLS_LEFT, QUOTA_UNKNOWN,
)  # fmt: skip
