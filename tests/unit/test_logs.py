"""What a log line looks like, in both formats, and what never stands in one."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from grok2api import logs

SECRET = "eyJ0eXAiOiJKV1Qi.secret"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    logger = logging.getLogger("grok2api")
    before = logger.handlers[:], logger.level, logger.propagate
    yield io.StringIO()
    for handler in logger.handlers:
        handler.close()
    logger.handlers[:], logger.level, logger.propagate = before[0], before[1], before[2]


def logged(stream: io.StringIO, log_format: str) -> logging.Logger:
    logs.set_up(None, log_format, stream)
    logs.set_level("INFO")
    logs.request_id.set("asked")
    return logging.getLogger("grok2api.web")


def test_a_console_line_has_time_level_request_and_message(stream: io.StringIO) -> None:
    logged(stream, "console").info("answered in %d ms", 5)
    line = stream.getvalue()
    assert line.endswith(" INFO    [asked] grok2api.web: answered in 5 ms\n") and line.startswith("20")


def test_a_json_line_is_one_object_with_the_fields_of_its_event(stream: io.StringIO) -> None:
    log = logged(stream, "json")
    log.info("answered\nin %d ms", 5, extra=logs.fields(event="request", first_ms=None, path=Path("/v1")))
    line = stream.getvalue()
    assert line.count("\n") == 1
    document = orjson.loads(line)
    assert document.pop("time").endswith("+00:00")
    assert document == {
        "level": "INFO", "logger": "grok2api.web", "request_id": "asked", "message": "answered\nin 5 ms",
        "event": "request", "first_ms": None, "path": "/v1",
    }  # fmt: skip


def test_an_exception_stands_in_its_line(stream: io.StringIO) -> None:
    log = logged(stream, "json")
    try:
        raise ValueError(f"sso={SECRET}")
    except ValueError:
        log.exception("that went wrong")
    document = orjson.loads(stream.getvalue())
    assert document["exception"].startswith("Traceback") and document["exception"].endswith("sso=…")


@pytest.mark.parametrize("log_format", ["console", "json"])
@pytest.mark.parametrize(
    "text",
    [
        f"Cookie: sso-rw={SECRET}; sso={SECRET}",
        f"cf_clearance={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f'{{"password": "{SECRET}", "api_key":"{SECRET}"}}',
        f"password={SECRET}",
    ],
)
def test_no_secret_is_logged(stream: io.StringIO, log_format: str, text: str) -> None:
    logged(stream, log_format).warning("sent %s", text)
    assert SECRET not in stream.getvalue() and "…" in stream.getvalue()


def test_the_level_holds_at_once(stream: io.StringIO) -> None:
    log = logged(stream, "console")
    logs.set_level("WARNING")
    log.info("small talk")
    logs.set_level("DEBUG")
    log.debug("a detail")
    assert "small talk" not in stream.getvalue() and "a detail" in stream.getvalue()


def test_the_file_gets_the_same_lines(stream: io.StringIO, tmp_path: Path) -> None:
    logs.set_up(tmp_path / "logs", "json", stream)
    logs.set_level("INFO")
    logging.getLogger("grok2api").info("ready")
    assert (tmp_path / "logs" / "grok2api.log").read_text("utf-8") == stream.getvalue() != ""
