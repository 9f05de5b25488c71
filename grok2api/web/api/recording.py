"""One request that asked for an answer: told, when it has ended, to the log, the console's charts and its list of
requests."""

from __future__ import annotations

import logging
import time

from flask import Response, g, request

from grok2api import logs
from grok2api.accounts import Shortage
from grok2api.errors import (
    AnswerUnfit,
    BadRequest,
    GatewayError,
    Moderated,
    NoAccount,
    NoMedia,
    Rejected,
    StorageUnavailable,
)
from grok2api.services.request_log import RequestRecord
from grok2api.services.tracing import Trace
from grok2api.web.api.errors import describe
from grok2api.web.api.guard import blueprint, client_name
from grok2api.web.counting import route_label
from grok2api.web.pump import ClientGone, Pump
from grok2api.web.services import get_services

#: What a request may end with that is no failure of the gateway's or upstream's.
_CLIENTS_OWN = (BadRequest, Moderated, Rejected)
#: Their messages may quote what was asked or answered.
_QUOTING = (BadRequest, NoMedia, AnswerUnfit)

log = logging.getLogger(__name__)


class Recording:
    """Made with the request, ended after it."""

    def __init__(self, kind: str, model: str, streamed: bool, pump: Pump, trace: Trace) -> None:
        """kind: of the request, in a word, for the log."""
        services = get_services()
        self._usage, self._book, self._metrics = services.usage, services.request_log, services.metrics
        self._label = f"{kind} {model} {'stream' if streamed else 'whole'}"
        self._model, self._streamed, self._pump, self._trace = model, streamed, pump, trace
        self._path, self._key, self._route = request.path, client_name(), route_label()
        self._began = time.monotonic()
        self._streaming = False
        g.recorded = True

    def streaming(self) -> None:
        """The answer is a stream that has its 200 from now on, whatever becomes of it."""
        self._streaming = True
        self._metrics.stream_began()

    def end(self, error: BaseException | None) -> None:
        """error: what it failed with; ClientGone when nobody waits any more."""
        began_at = self._pump.began_at
        first_s = None if began_at is None else began_at - self._began
        total_s = time.monotonic() - self._began
        outcome = _outcome(error)
        status, code, message = _told(error)
        record = RequestRecord(
            request_id=logs.request_id.get(),
            path=self._path,
            model=self._model,
            stream=self._streamed,
            key=self._key,
            outcome=outcome,
            status=200 if self._streaming else status,
            code=code,
            error=message,
            first_s=first_s,
            total_s=total_s,
            attempts=tuple(self._trace.attempts),
            shortage=_shortage(error),
        )
        self._book.note(record)
        self._usage.request(failed=outcome == "failed", gone=outcome == "gone", first_token_s=first_s)
        self._metrics.answer(self._route, self._model, outcome, first_s, total_s)
        if self._streaming:
            self._metrics.stream_ended()
            if isinstance(error, StorageUnavailable):
                self._metrics.storage_failed("request")
        self._log(record, type(error).__name__ if outcome in ("failed", "refused") else outcome)

    def _log(self, record: RequestRecord, word: str) -> None:
        tried = record.attempts
        account = f", account {tried[-1].account}, tries {len(tried)}" if tried else ""
        first = "" if record.first_s is None else f", first content after {record.first_s * 1000:.0f} ms"
        log.info(
            "%s: %s in %.0f ms%s%s",
            self._label, word, record.total_s * 1000, first, account,
            extra=logs.fields(
                event="request", path=record.path, model=record.model, stream=record.stream, key=record.key,
                outcome=record.outcome, status=record.status, code=record.code,
                account=tried[-1].account if tried else None, tries=len(tried),
                first_ms=_ms(record.first_s), total_ms=_ms(record.total_s),
            ),
        )  # fmt: skip


@blueprint.after_request
def record_refused(response: Response) -> Response:
    """A request by somebody who was let in that failed before an answer was asked for is listed with the others."""
    known = "client_name" in g and "recorded" not in g
    if known and request.method == "POST" and response.status_code >= 400:
        error = (response.get_json(silent=True) or {}).get("error") or {}
        record = RequestRecord(
            request_id=logs.request_id.get(),
            path=request.path,
            model=g.get("asked_model", ""),
            stream=False,
            key=client_name(),
            outcome="failed" if response.status_code >= 500 else "refused",
            status=response.status_code,
            code=error.get("code") or error.get("type") or "",
            total_s=time.monotonic() - g.began_at,
        )
        get_services().request_log.note(record)
    return response


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    if isinstance(error, ClientGone):
        return "gone"
    return "refused" if isinstance(error, _CLIENTS_OWN) else "failed"


def _told(error: BaseException | None) -> tuple[int, str, str]:
    """Status, code and message."""
    if error is None:
        return 200, "", ""
    if isinstance(error, ClientGone) or not isinstance(error, Exception):
        return 499, "", ""
    status, kind, code = describe(error)
    quoting = isinstance(error, _QUOTING) or not isinstance(error, GatewayError)
    return status, code or kind, "" if quoting else str(error)


def _shortage(error: BaseException | None) -> Shortage | None:
    return error.shortage if isinstance(error, NoAccount) else None
