"""The story of a request: build the prompt, lease an account, relay its answer, settle; and if the account
fails before anything was heard, the same with another one. This is the only retry loop.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

from grok2api.account_secrets import mask
from grok2api.accounts import Lease, Outcome
from grok2api.cancellation import Cancellation
from grok2api.catalogue import PICTURES_COST, Catalogue, Model
from grok2api.errors import BadRequest, Challenged, NoAccount, RateLimited, UpstreamError
from grok2api.events import Event, Finish, Image, Moderated, Progress, Started, Text
from grok2api.media import Kind
from grok2api.messages import ChatRequest, Message
from grok2api.services.asking import Ask, Asking, Wanted
from grok2api.services.deliveries import deliver
from grok2api.services.filters.embed import embed, left_out, video_alone
from grok2api.services.filters.length import limit_length
from grok2api.services.filters.stop import stop_at
from grok2api.services.filters.tags import filter_tags
from grok2api.services.filters.thinking import hide_thinking, lay_out_thinking, tag_thinking
from grok2api.services.filters.tools import parse_calls
from grok2api.services.live_settings import LiveSettings
from grok2api.services.media_library import MediaLibrary
from grok2api.services.mending import calls_as_text, mend_calls, mend_json, streamed_json
from grok2api.services.pictures import PictureFile, Pictures
from grok2api.services.pool import AccountPool
from grok2api.services.requesting import check_pictures, prompt_of, wanted_of
from grok2api.services.tracing import Trace
from grok2api.settings import Snapshot
from grok2api.upstream.client import GrokClient

#: Accounts that one round of a request may try, the first included.
MAX_ACCOUNTS = 3
#: With less time left than this no further attempt is begun, which would only harm the account.
ATTEMPT_MIN_S = 5.0

log = logging.getLogger(__name__)


@dataclass
class _Attempt:
    """One account's try. `outcome` and `error` are what it will be settled with."""

    lease: Lease
    began_at: float
    outcome: Outcome = Outcome.ABANDONED
    error: UpstreamError | None = None
    used: int | None = None
    started: bool = field(default=False)


class CompletionService:
    """Answers chat requests with the accounts of the pool."""

    def __init__(
        self,
        catalogue: Catalogue,
        pool: AccountPool,
        client: GrokClient,
        settings: LiveSettings,
        media: MediaLibrary,
        pictures: Pictures,
        on_failure: Callable[[UpstreamError], None],
    ) -> None:
        """on_failure: told of each attempt that upstream failed."""
        self.media = media
        self.pictures = pictures
        self._catalogue = catalogue
        self._pool = pool
        self._asking = Asking(client)
        self._settings = settings
        self._on_failure = on_failure

    def check(self, request: ChatRequest) -> None:
        """What can be refused without an account. Raises BadRequest."""
        check_pictures(request, self._catalogue.get(request.model))

    def answer(
        self, request: ChatRequest, cancellation: Cancellation, trace: Trace
    ) -> Generator[Event, None, None]:
        """The answer's events: `Started` once it has begun, `Finish` last, nothing after an error.

        Runs in the greenlet that `cancellation` is bound to; whoever asked closes it. Raises NoAccount, UpstreamError,
        BadRequest, StorageUnavailable, AnswerUnfit.
        """
        settings = self._settings.snapshot()
        rounds = _Rounds(self, self._catalogue.get(request.model), request, settings, cancellation, trace)
        try:
            yield from _shaped(rounds, request, settings, self.media)
        finally:
            rounds.close()

    def relay(
        self, ask: Ask, settings: Snapshot, cancellation: Cancellation, since: float, trace: Trace
    ) -> Generator[Event, None, None]:
        """One round: the answer, from whichever account gives one. since: when the request began (monotonic). Media
        are kept before they are handed on."""
        tried: tuple[int, ...] = ()
        failure: UpstreamError | None = None
        while len(tried) < MAX_ACCOUNTS:
            cancellation.check()  # a client that is gone needs no further account
            if failure is not None and not _has_time(settings, since):
                break
            try:
                with cancellation.protected():
                    lease = self._pool.lease(
                        ask.model, cost=ask.cost, tried=tried, max_in_flight=settings.account_concurrency
                    )
            except NoAccount:
                if failure is None or isinstance(failure, RateLimited):
                    raise  # it says when the first account returns
                break  # what the accounts that were tried said is the better answer
            tried = (*tried, lease.account_id)
            attempt = _Attempt(lease, time.monotonic())
            try:
                cancellation.check()
                yield from self._attempt(attempt, ask, settings, since)
                return
            except UpstreamError as error:
                attempt.outcome, attempt.error, failure = error.outcome, error, error
                _report(error, lease, len(tried))
                self._on_failure(error)
                if attempt.started or not error.failover:
                    raise
            except BadRequest:
                attempt.outcome = Outcome.OUR_FAULT
                raise
            finally:
                with cancellation.protected():
                    trace.attempted(lease, attempt.outcome, attempt.error, attempt.began_at)
                    self._pool.settle(lease, attempt.outcome, error=attempt.error, used=attempt.used)
        assert failure is not None  # nosec B101 # for mypy: the loop is only left with one
        raise failure

    def _attempt(self, attempt: _Attempt, ask: Ask, settings: Snapshot, since: float) -> Iterator[Event]:
        lease = attempt.lease

        def keep(path: str, kind: Kind) -> None:
            self.media.keep(path, kind, lease.account_id)

        with self._asking.open(ask, lease.secret, settings, since) as answer:
            ends_at = since + settings.stream_total_timeout
            yield from deliver(_noted(answer.events(), attempt, ask), keep, ends_at)


def _noted(events: Iterator[Event], attempt: _Attempt, ask: Ask) -> Iterator[Event]:
    """An attempt's events, `Started` first, noted in it as they come: a client may not stay for the end."""
    started = False
    for event in events:
        kind = type(event)
        if started and kind is Text:  # nearly all are
            yield event
            continue
        if not started and kind is not Finish:
            started = attempt.started = True
            attempt.outcome = Outcome.SUCCESS
            yield Started()
        if kind is Image or ((kind is Moderated or kind is Progress) and event.kind == "image"):  # type: ignore[union-attr]
            attempt.used = max(PICTURES_COST, attempt.lease.cost)
        elif kind is Finish and attempt.used is None and ask.wanted is Wanted.PICTURES:
            attempt.used = ask.model.cost  # only words came of it
        yield event


class _Rounds:
    """What upstream is asked for one request: once, and perhaps once more for a better answer. Only one round at a
    time holds an account."""

    def __init__(
        self,
        service: CompletionService,
        model: Model,
        request: ChatRequest,
        settings: Snapshot,
        cancellation: Cancellation,
        trace: Trace,
    ) -> None:
        self._service = service
        self._request = request
        self._settings = settings
        self._cancellation = cancellation
        self._trace = trace
        self._model = model
        self._files: tuple[PictureFile, ...] | None = None
        self._since = time.monotonic()
        self._asked = 0
        self._relayed: Generator[Event, None, None] | None = None

    def ask(self, more: tuple[Message, ...] = ()) -> Iterator[Event]:
        """Upstream's events without its markup, with thinking as it is to be shown, and calls found."""
        self.close()
        self._asked += 1
        request, settings = self._request, self._settings
        if self._files is None:  # before there is an account: clients' servers may be slow
            self._files = self._service.pictures.gather(request.attached)
        wanted = wanted_of(request, self._model)
        ask = Ask(self._model, prompt_of(request, wanted, more), wanted, self._files)
        self._relayed = self._service.relay(ask, settings, self._cancellation, self._since, self._trace)
        events = filter_tags(self._relayed, frozenset(settings.filtered_tags.split(",")))
        if wanted is Wanted.VIDEO:
            events = video_alone(events)
        hidden = request.hide_thinking or not settings.show_thinking
        events = hide_thinking(events) if hidden else lay_out_thinking(events)
        if tools := request.callable_tools:
            events = parse_calls(events, tools, parallel=request.parallel_tool_calls, close=self.close)
        return events

    def ask_again(self, more: tuple[Message, ...]) -> Iterator[Event]:
        """The same with two more turns; nothing when there was a second round already, or is no time for one."""
        if self._asked > 1 or not _has_time(self._settings, self._since):
            return iter(())
        return self.ask(more)

    def close(self) -> None:
        """Free upstream and the account of the present round. Harmless when it has ended."""
        if self._relayed is not None:
            self._relayed.close()


def _shaped(
    rounds: _Rounds, request: ChatRequest, settings: Snapshot, media: MediaLibrary
) -> Iterator[Event]:
    """The answer in the form that the client wants."""

    def ended(events: Iterator[Event]) -> Iterator[Event]:
        events = stop_at(events, request.stop, rounds.close) if request.stop else events
        if request.max_tokens is not None:
            events = limit_length(events, request.max_tokens, rounds.close)
        return events

    events = rounds.ask()
    if request.callable_tools:
        events = calls_as_text(events) if request.stream else mend_calls(events, request, rounds.ask_again)
    events = ended(events)
    if (wanted := request.answer_format) is not None:
        events = left_out(events)
        if request.stream:
            events = streamed_json(events, wanted)
        else:
            events = mend_json(events, wanted, lambda turns: ended(rounds.ask_again(turns)))
    else:

        def link(path: str) -> str:
            return media.link(path, request.media_base)

        events = embed(events, media.data_url if settings.image_mode == "base64" else link, link)
    # A document could not be read with thinking in it.
    separate = request.separate_thinking or wanted is not None
    if separate or settings.thinking_format == "reasoning_content":
        return events
    return tag_thinking(events)


def _has_time(settings: Snapshot, since: float) -> bool:
    """Whether a further attempt could come to something: all of them share the time in all."""
    left = since + settings.stream_total_timeout - time.monotonic()
    return left > min(ATTEMPT_MIN_S, settings.stream_first_response_timeout)


def _report(error: UpstreamError, lease: Lease, attempt: int) -> None:
    level = logging.ERROR if isinstance(error, Challenged) else logging.WARNING
    log.log(level, "attempt %d with account %s failed: %s", attempt, mask(lease.secret), error)
