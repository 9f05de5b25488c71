"""Pictures by the number: as many upstream calls as it takes, of which each makes one or two."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from contextvars import copy_context
from functools import partial

import gevent

from grok2api.cancellation import Cancellation, Cancelled
from grok2api.catalogue import Catalogue
from grok2api.errors import BadRequest, NoMedia
from grok2api.events import Event, Finish, Image, Text
from grok2api.messages import ImageRequest
from grok2api.services.asking import Ask, Wanted
from grok2api.services.completion import CompletionService
from grok2api.services.live_settings import LiveSettings
from grok2api.services.requesting import DRAW
from grok2api.services.tracing import Trace
from grok2api.settings import Snapshot

#: Upstream calls of one request under way at once.
CALLS_AT_ONCE = 4
#: What a call gives until it is known better.
_PAIR = 2
#: Calls beyond one a picture: some of those made are withheld.
_SPARE_CALLS = 2
_CLOSE_S = 10.0
_SHOWN_CHARS = 300

_EDIT = "Edit the attached image: {prompt}"
_EDIT_SEVERAL = "Edit or combine the {count} attached images: {prompt}"

log = logging.getLogger(__name__)


class ImageService:
    def __init__(self, catalogue: Catalogue, completion: CompletionService, settings: LiveSettings) -> None:
        self._catalogue = catalogue
        self._completion = completion
        self._settings = settings

    def check(self, request: ImageRequest) -> None:
        """What can be refused without an account. Raises BadRequest."""
        model = self._catalogue.get(request.model)
        if not model.image:
            raise BadRequest(f"The model `{model.name}` makes no pictures.", "model")

    def answer(
        self, request: ImageRequest, cancellation: Cancellation, trace: Trace
    ) -> Generator[Event, None, None]:
        """`Image` for each picture, at most as many as asked for, then `Finish`.

        Fewer only when a call failed after others had made some. Runs in the greenlet that `cancellation` is bound to;
        whoever asked closes it. Raises NoAccount, UpstreamError, BadRequest, StorageUnavailable.
        """
        settings = self._settings.snapshot()
        files = self._completion.pictures.gather(request.pictures)
        ask = Ask(self._catalogue.get(request.model), _prompt_of(request), Wanted.PICTURES, files)
        since = time.monotonic()
        made = called = 0
        yields = _PAIR
        while made < request.n and called < request.n + _SPARE_CALLS:
            cancellation.check()
            calls = min(math.ceil((request.n - made) / yields), request.n + _SPARE_CALLS - called)
            found, failures = self._call(ask, calls, settings, since, trace)
            called += calls
            for image in found[: request.n - made]:
                yield image
                made += 1
            if failures and not made:
                raise failures[0]
            if not found:
                break
            yields = max(1, min(_PAIR, len(found) // max(1, calls - len(failures))))
        if made < request.n:
            log.warning("%d of %d pictures were made", made, request.n)
        yield Finish()

    def _call(
        self, ask: Ask, calls: int, settings: Snapshot, since: float, trace: Trace
    ) -> tuple[Sequence[Image], Sequence[Exception]]:
        """So many calls, some at once: what all made, and how some failed."""
        todo = iter(range(calls))
        found: list[Image] = []
        failures: list[Exception] = []

        def work_off(cancellation: Cancellation) -> None:
            try:
                cancellation.bind()
                for _ in todo:
                    found.extend(self._one(ask, settings, cancellation, since, trace))
            except Cancelled:
                pass
            except Exception as error:
                failures.append(error)

        cancellations = [Cancellation() for _ in range(min(CALLS_AT_ONCE, calls))]
        workers = [gevent.spawn(partial(copy_context().run, work_off, one)) for one in cancellations]
        try:
            gevent.joinall(workers)
        finally:
            for cancellation in cancellations:
                cancellation.cancel()
            gevent.joinall(workers, timeout=_CLOSE_S)
        return found, failures

    def _one(
        self, ask: Ask, settings: Snapshot, cancellation: Cancellation, since: float, trace: Trace
    ) -> list[Image]:
        """One call's pictures. Raises NoMedia when the answer has only words."""
        images: list[Image] = []
        words: list[str] = []
        with closing(self._completion.relay(ask, settings, cancellation, since, trace)) as events:
            for event in events:
                if isinstance(event, Image):
                    images.append(event)
                elif isinstance(event, Text):
                    words.append(event.text)
        if not images:
            said = " ".join("".join(words).split())[:_SHOWN_CHARS]
            raise NoMedia(f"Grok answered without a picture: {said}")
        return images


def _prompt_of(request: ImageRequest) -> str:
    if not request.pictures:
        return DRAW.format(prompt=request.prompt)
    form = _EDIT if len(request.pictures) == 1 else _EDIT_SEVERAL
    return form.format(prompt=request.prompt, count=len(request.pictures))
