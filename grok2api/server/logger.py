"""gunicorn's log goes where ours goes: timeouts, killed workers, tracebacks; in one place and in one form."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn.glogging import Logger as GunicornLogger


class Logger(GunicornLogger):  # type: ignore[misc]  # gunicorn has no types
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        if cfg.errorlog == "-":  # else the operator has named a file for it
            self.error_log.handlers = [_Ours()]


class _Ours(logging.Handler):
    """Hands on to whatever handlers the logger `grok2api` has at that time; its level is for its own."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger("grok2api").handle(record)
