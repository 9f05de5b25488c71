"""What upstream is asked in one round, and what it takes to ask an account: giving it the files first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any

from grok2api.catalogue import PICTURES_COST, Model
from grok2api.errors import BadRequest, Rejected, UpstreamError, UpstreamFailed
from grok2api.services.pictures import PictureFile
from grok2api.services.prompt import PROMPT_FILE, PROMPT_IN_FILE
from grok2api.services.together import together
from grok2api.settings import Snapshot
from grok2api.upstream.client import Answer, GrokClient
from grok2api.upstream.headers import HOME, IMAGINE
from grok2api.upstream.payload import chat_payload, file_url, post_url, unposted_url, video_payload
from grok2api.upstream.uploads import UploadedFile

UPLOADS_AT_ONCE = 4

log = logging.getLogger(__name__)


class Wanted(Enum):
    """WORDS: whatever the model makes of the prompt, which may be pictures too."""

    WORDS = auto()
    PICTURES = auto()
    VIDEO = auto()


@dataclass(frozen=True)
class Ask:
    """One round's question, whichever account it is asked with. files: the pictures that go with the prompt."""

    model: Model
    prompt: str
    wanted: Wanted = Wanted.WORDS
    files: tuple[PictureFile, ...] = ()

    @property
    def cost(self) -> int:
        """What it takes of an account's quota, as far as can be known before."""
        return max(PICTURES_COST, self.model.cost) if self.wanted is Wanted.PICTURES else self.model.cost


class Asking:
    """Puts an `Ask` into the form that an account can be asked in. Files belong to an account: each gets them anew."""

    def __init__(self, client: GrokClient) -> None:
        self._client = client

    def open(self, ask: Ask, secret: str, settings: Snapshot, since: float) -> Answer:
        """Upstream's answer, to be closed. since: when the client's request began (monotonic). Raises UpstreamError,
        which names the picture that it is about, BadRequest or PromptTooLong."""
        # The body is not kept here: it would cost every open stream 2 KB.
        payload, referer, user = self._payload(ask, secret, settings, since)
        return self._client.open_chat(secret, payload, settings, since, referer, user)

    def _payload(
        self, ask: Ask, secret: str, settings: Snapshot, since: float
    ) -> tuple[dict[str, Any], str, str]:
        """The body of the chat, the page that it would come from, and whose files are the account's, if it matters."""
        upload = partial(self._upload, secret=secret, settings=settings, since=since)
        works: list[Callable[[], UploadedFile]] = [partial(upload, file) for file in ask.files]
        uploaded = together(works, UPLOADS_AT_ONCE)
        if ask.wanted is Wanted.VIDEO:
            return self._video(ask, uploaded[0], secret, settings, since)
        ids = [file.id for file in uploaded]
        prompt = ask.prompt
        if 0 < settings.prompt_inline_limit < len(prompt):
            content = prompt.encode("utf-8", "replace")
            sent = self._client.upload(secret, PROMPT_FILE, "text/plain", content, settings, since)
            ids.append(sent.id)
            prompt = PROMPT_IN_FILE
        pictures = ask.wanted is Wanted.PICTURES
        payload = chat_payload(ask.model, prompt, temporary=settings.temporary, files=ids, pictures=pictures)
        return payload, HOME, ""

    def _upload(self, file: PictureFile, secret: str, settings: Snapshot, since: float) -> UploadedFile:
        try:
            return self._client.upload(secret, file.name, file.mime_type, file.content, settings, since)
        except (UpstreamError, BadRequest) as error:
            error.message = f"The picture `{file.where}` could not be given to Grok. {error.message}"
            error.param = file.where
            raise

    def _video(
        self, ask: Ask, file: UploadedFile, secret: str, settings: Snapshot, since: float
    ) -> tuple[dict[str, Any], str, str]:
        if not file.path:
            raise UpstreamFailed("Grok took a picture but did not say where it lies.")
        try:
            name = self._client.create_post(secret, file_url(file.path), ask.prompt, settings, since)
            source = post_url(name)
        except (UpstreamFailed, Rejected, BadRequest) as error:
            log.info("a video is asked for without a post: %s", error)
            name, source = file.id, unposted_url(file.path)
        payload = video_payload(ask.model, source, ask.prompt, temporary=settings.temporary, file=file.id)
        return payload, f"{IMAGINE}/{name}", file.user
