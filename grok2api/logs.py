"""Logging: one line an event, with the request's id, to read or as JSON; secrets are taken out of what is logged."""

from __future__ import annotations

import json
import logging
import math
import re
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, TextIO

import orjson

#: The id of the request that this greenlet works for.
request_id: ContextVar[str] = ContextVar("request_id", default="-")

_SECRETS = re.compile(
    r"""(sso(?:-rw)?=|cf_clearance=|Bearer\s+|"?(?:password|api_key)"?\s*[:=]\s*"?)[^\s;,"']+""",
    re.IGNORECASE,
)
#: Seconds between two complaints about the file.
_SAY_S = 60.0
_CONSOLE = "%(asctime)s %(levelname)-7s [%(request_id)s] %(name)s: %(message)s"


class _ConsoleFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__(_CONSOLE)

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id.get()
        return redact(super().format(record))


class _JsonFormatter(logging.Formatter):
    """One object to a line: time (UTC), level, logger, request_id, message; exception where there is one; and the
    `fields` of an event, for which the message is their reading."""

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": request_id.get(),
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            document["exception"] = redact(self.formatException(record.exc_info))
        for name, value in getattr(record, "fields", {}).items():
            document[name] = redact(value) if isinstance(value, str) else value
        try:
            return orjson.dumps(document, default=str).decode()
        except orjson.JSONEncodeError:  # half a surrogate, as in names of files that are not UTF-8
            return json.dumps(document, default=str)


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


def fields(**values: Any) -> dict[str, dict[str, Any]]:
    """What an event consists of, for the `extra` of a logger's call; JSON-serialisable, and without secrets."""
    return {"fields": values}


def set_up(log_dir: Path | None, log_format: str = "console", stream: TextIO | None = None) -> None:
    """Log to a stream, stderr unless given, and to `grok2api.log` in `log_dir` when that is given. log_format:
    console or json. Raises OSError."""
    logger = logging.getLogger("grok2api")
    logger.handlers.clear()
    logger.propagate = False
    handlers: list[logging.Handler] = [logging.StreamHandler(stream or sys.stderr)]
    if log_dir is not None:
        log_dir.mkdir(parents=True, exist_ok=True)
        handlers.append(_FileHandler(log_dir / "grok2api.log", encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(_JsonFormatter() if log_format == "json" else _ConsoleFormatter())
        logger.addHandler(handler)


def set_level(level: str) -> None:
    """Act on the setting `log_level`."""
    logging.getLogger("grok2api").setLevel(level)
