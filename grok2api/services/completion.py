"""The story of a request: build the prompt, lease an account, relay its answer, settle; and if the account
fails before anything was heard, the same with another one. This is the only retry loop.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

from grok2api.account_secrets import mask
from grok2api.accounts import Lease, Outcome
from grok2api.cancellation import Cancellation
from grok2api.catalogue import PICTURES_COST, Catalogue, Model
from grok2api.errors import BadRequest, Challenged, NoAccount, NotDeliverable, RateLimited, UpstreamError
from grok2api.events import Event, Finish, Image, Started, Video
from grok2api.messages import ChatRequest
from grok2api.services.filters.tags import filter_tags
from grok2api.services.filters.thinking import hide_thinking, lay_out_thinking, tag_thinking
from grok2api.services.live_settings import LiveSettings
from grok2api.services.pool import AccountPool
from grok2api.services.prompt import build_prompt
from grok2api.settings import Snapshot
from grok2api.upstream.client import GrokClient
from grok2api.upstream.payload import chat_payload

#: Accounts that one request may try, the first included.
MAX_ACCOUNTS = 3

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

    def answer(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[Event]:
        """The answer's events: `Started` once it has begun, `Finish` last, nothing after an error.

        Runs in the greenlet that `cancellation` is bound to. Raises NoAccount, UpstreamError, PromptTooLong,
        StorageUnavailable.
        """
        settings = self._settings.snapshot()
        events = self._relay(self.check(request), build_prompt(request.messages), settings, cancellation)
        events = filter_tags(events, frozenset(settings.filtered_tags.lower().split(",")) - {""})
        if request.hide_thinking or not settings.show_thinking:
            return hide_thinking(events)
        events = lay_out_thinking(events)
        return events if settings.thinking_format == "reasoning_content" else tag_thinking(events)

    def _relay(
        self, model: Model, prompt: str, settings: Snapshot, cancellation: Cancellation
    ) -> Iterator[Event]:
        payload = chat_payload(model, prompt, temporary=settings.temporary)
        tried: tuple[int, ...] = ()
        failure: UpstreamError | None = None
        while len(tried) < MAX_ACCOUNTS:
            cancellation.check()  # a client that is gone needs no further account
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
                yield from self._attempt(attempt, payload, settings)
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

    def _attempt(self, attempt: _Attempt, payload: dict[str, object], settings: Snapshot) -> Iterator[Event]:
        with self._client.open_chat(attempt.lease.secret, payload, settings) as answer:
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


def _report(error: UpstreamError, lease: Lease, attempt: int) -> None:
    level = logging.ERROR if isinstance(error, Challenged) else logging.WARNING
    log.log(level, "attempt %d with account %s failed: %s", attempt, mask(lease.secret), error)
