"""Logging: one line an event, with the request's id; secrets are taken out of whatever is logged."""

from __future__ import annotations

import logging
import math
import re
import sys
import time
from contextvars import ContextVar
from logging.handlers import WatchedFileHandler
from pathlib import Path

#: The id of the request that this greenlet works for.
request_id: ContextVar[str] = ContextVar("request_id", default="-")

_SECRETS = re.compile(
    r"""(sso(?:-rw)?=|cf_clearance=|Bearer\s+|"?(?:password|api_key)"?\s*[:=]\s*"?)[^\s;,"']+""",
    re.IGNORECASE,
)
#: Seconds between two complaints about the file.
_SAY_S = 60.0
_FORMAT = "%(asctime)s %(levelname)-7s [%(request_id)s] %(name)s: %(message)s"


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id.get()
        return redact(super().format(record))


class _FileHandler(WatchedFileHandler):
    """Never fails who logs: what cannot be written, on a full disk or in a folder that is gone, is missing in the file,
    which stderr is told once in a while."""

    _said_at = -math.inf

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except (
            OSError
        ):  # the file was moved away and no other can be made; its base only expects failing writes
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if now < self._said_at + _SAY_S:
            return
        self._said_at = now
        print(f"grok2api: cannot write {self.baseFilename}: {sys.exc_info()[1]}", file=sys.stderr, flush=True)


def redact(text: str) -> str:
    """Text without the values of cookies, keys and passwords."""
    return _SECRETS.sub(r"\1…", text)


def set_up(log_dir: Path | None) -> None:
    """Log to stderr, and to `grok2api.log` in `log_dir` when that is given."""
    logger = logging.getLogger("grok2api")
    logger.handlers.clear()
    logger.propagate = False
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if log_dir is not None:
        log_dir.mkdir(parents=True, exist_ok=True)
        handlers.append(_FileHandler(log_dir / "grok2api.log", encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(_Formatter(_FORMAT))
        logger.addHandler(handler)


def set_level(level: str) -> None:
    """Act on the setting `log_level`."""
    logging.getLogger("grok2api").setLevel(level)
