"""The story of a request: build the prompt, lease an account, relay its answer, settle; and if the account
fails before anything was heard, the same with another one. This is the only retry loop.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from grok2api.account_secrets import mask
from grok2api.accounts import Lease, Outcome
from grok2api.cancellation import Cancellation
from grok2api.catalogue import PICTURES_COST, Catalogue, Model
from grok2api.errors import BadRequest, Challenged, NoAccount, NotDeliverable, RateLimited, UpstreamError
from grok2api.events import Event, Finish, Image, Started, Video
from grok2api.messages import ChatRequest, Message
from grok2api.services.filters.length import limit_length
from grok2api.services.filters.stop import stop_at
from grok2api.services.filters.tags import filter_tags
from grok2api.services.filters.thinking import hide_thinking, lay_out_thinking, tag_thinking
from grok2api.services.filters.tools import parse_calls
from grok2api.services.instructions import instructions_for
from grok2api.services.live_settings import LiveSettings
from grok2api.services.mending import calls_as_text, mend_calls, mend_json, streamed_json
from grok2api.services.pool import AccountPool
from grok2api.services.prompt import PROMPT_FILE, PROMPT_IN_FILE, build_prompt
from grok2api.settings import Snapshot
from grok2api.upstream.client import GrokClient
from grok2api.upstream.payload import chat_payload

#: Accounts that one round of a request may try, the first included.
MAX_ACCOUNTS = 3
#: With less time left than this no further attempt is begun, which would only harm the account.
ATTEMPT_MIN_S = 5.0

log = logging.getLogger(__name__)


@dataclass
class _Attempt:
    """One account's try. `outcome` and `error` are what it will be settled with."""

    lease: Lease
    outcome: Outcome = Outcome.ABANDONED
    error: UpstreamError | None = None
    used: int | None = None
    started: bool = field(default=False)


class CompletionService:
    """Answers chat requests with the accounts of the pool."""

    def __init__(
        self, catalogue: Catalogue, pool: AccountPool, client: GrokClient, settings: LiveSettings
    ) -> None:
        self._catalogue = catalogue
        self._pool = pool
        self._client = client
        self._settings = settings

    def check(self, request: ChatRequest) -> Model:
        """What can be refused without an account. Raises BadRequest."""
        return self._catalogue.get(request.model)

    def answer(self, request: ChatRequest, cancellation: Cancellation) -> Generator[Event, None, None]:
        """The answer's events: `Started` once it has begun, `Finish` last, nothing after an error.

        Runs in the greenlet that `cancellation` is bound to; whoever asked closes it. Raises NoAccount, UpstreamError,
        PromptTooLong, StorageUnavailable, AnswerUnfit.
        """
        settings = self._settings.snapshot()
        rounds = _Rounds(self, request, settings, cancellation)
        try:
            yield from _shaped(rounds, request, settings)
        finally:
            rounds.close()

    def relay(
        self,
        model: Model,
        prompt: str,
        settings: Snapshot,
        cancellation: Cancellation,
        since: float,
    ) -> Generator[Event, None, None]:
        """One round: a prompt's answer, from whichever account gives one. since: when the request began (monotonic)."""
        tried: tuple[int, ...] = ()
        failure: UpstreamError | None = None
        while len(tried) < MAX_ACCOUNTS:
            cancellation.check()  # a client that is gone needs no further account
            if failure is not None and not _has_time(settings, since):
                break
            try:
                with cancellation.protected():
                    lease = self._pool.lease(model, tried=tried, max_in_flight=settings.account_concurrency)
            except NoAccount:
                if failure is None or isinstance(failure, RateLimited):
                    raise  # it says when the first account returns
                break  # what the accounts that were tried said is the better answer
            tried = (*tried, lease.account_id)
            attempt = _Attempt(lease)
            try:
                cancellation.check()
                yield from self._attempt(attempt, model, prompt, settings, since)
                return
            except UpstreamError as error:
                attempt.outcome, attempt.error, failure = error.outcome, error, error
                _report(error, lease, len(tried))
                if attempt.started or not error.failover:
                    raise
            except BadRequest:
                attempt.outcome = Outcome.OUR_FAULT
                raise
            finally:
                with cancellation.protected():
                    self._pool.settle(lease, attempt.outcome, error=attempt.error, used=attempt.used)
        assert failure is not None
        raise failure

    def _attempt(
        self, attempt: _Attempt, model: Model, prompt: str, settings: Snapshot, since: float
    ) -> Iterator[Event]:
        payload = self._payload(attempt.lease, model, prompt, settings, since)
        with self._client.open_chat(attempt.lease.secret, payload, settings, since) as answer:
            for event in answer.events():
                if not attempt.started and not isinstance(event, Finish):
                    attempt.started = True
                    attempt.outcome = Outcome.SUCCESS
                    yield Started()
                if isinstance(event, Image | Video):
                    if isinstance(event, Image):
                        attempt.used = max(PICTURES_COST, attempt.lease.cost)
                    raise NotDeliverable(
                        "Grok answered with a picture or video, which this release cannot deliver."
                    )
                yield event

    def _payload(
        self, lease: Lease, model: Model, prompt: str, settings: Snapshot, since: float
    ) -> dict[str, object]:
        """A long prompt goes as a file, which belongs to the account."""
        files: list[str] = []
        if 0 < settings.prompt_inline_limit < len(prompt):
            content = prompt.encode("utf-8", "replace")
            files = [self._client.upload(lease.secret, PROMPT_FILE, "text/plain", content, settings, since)]
            prompt = PROMPT_IN_FILE
        return chat_payload(model, prompt, temporary=settings.temporary, files=files)


class _Rounds:
    """What upstream is asked for one request: once, and perhaps once more for a better answer. Only one round at a
    time holds an account."""

    def __init__(
        self,
        service: CompletionService,
        request: ChatRequest,
        settings: Snapshot,
        cancellation: Cancellation,
    ) -> None:
        self._service = service
        self._request = request
        self._settings = settings
        self._cancellation = cancellation
        self._model = service.check(request)
        self._since = time.monotonic()
        self._asked = 0
        self._relayed: Generator[Event, None, None] | None = None

    def ask(self, more: tuple[Message, ...] = ()) -> Iterator[Event]:
        """Upstream's events without its markup, with thinking as it is to be shown, and calls found."""
        self.close()
        self._asked += 1
        request, settings = self._request, self._settings
        prompt = build_prompt((*request.messages, *more), instructions_for(request))
        self._relayed = self._service.relay(self._model, prompt, settings, self._cancellation, self._since)
        events = filter_tags(self._relayed, frozenset(settings.filtered_tags.split(",")))
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


def _shaped(rounds: _Rounds, request: ChatRequest, settings: Snapshot) -> Iterator[Event]:
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
        if request.stream:
            events = streamed_json(events, wanted)
        else:
            events = mend_json(events, wanted, lambda turns: ended(rounds.ask_again(turns)))
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
