"""Responses that clients may come back to: kept for a day, for the key that made them."""

from __future__ import annotations

import logging
import re
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from grok2api.errors import StorageUnavailable
from grok2api.services.patience import PATIENCE_S, within
from grok2api.storage.base import RESPONSE_KEPT_S, RESPONSE_MAX_BYTES, Responses, StoredResponse

#: A conversation that is kept is no larger than this, and than RESPONSE_MAX_BYTES when it is compressed.
DOCUMENT_MAX_BYTES = 16 * 1024 * 1024
#: How long the end of an answer is held up until it is stored.
KEEP_S = 2.0

log = logging.getLogger(__name__)

Item = Mapping[str, Any]

_ID = re.compile(r"resp_[0-9a-f]{32}")


@dataclass(frozen=True)
class KeptResponse:
    """response: as the client got it. items: the conversation before it, in the client's form. size: of both as JSON,
    in bytes."""

    response: dict[str, Any]
    items: list[Item]
    size: int

    @property
    def conversation(self) -> list[Item]:
        """What a further turn goes on from."""
        return [*self.items, *self.response["output"]]


class ResponseBook:
    """owner, throughout: a digest of the client's key. clock: epoch seconds."""

    def __init__(self, responses: Responses, clock: Callable[[], float] = time.time) -> None:
        self._responses = responses
        self._clock = clock

    def keep(self, owner: str, response: Mapping[str, Any], items: Sequence[Item]) -> bool:
        """Store a whole response. False, and a line in the log, when it cannot be: the answer does not suffer."""
        document = orjson.dumps({"response": response, "items": items})
        body = zlib.compress(document, 1) if len(document) <= DOCUMENT_MAX_BYTES else b""
        if not body or len(body) > RESPONSE_MAX_BYTES:
            log.warning("a response is not kept: its conversation has %d bytes", len(document))
            return False
        stored = StoredResponse(response["id"], owner, body, self._clock() + RESPONSE_KEPT_S)
        try:
            within(KEEP_S, lambda: self._responses.save(stored))
        except StorageUnavailable as error:
            log.error("a response is not kept: %s", error)
            return False
        return True

    def get(self, owner: str, id_: str) -> KeptResponse | None:
        """Raises StorageUnavailable."""
        if not _ID.fullmatch(id_):
            return None
        stored = within(PATIENCE_S, lambda: self._responses.get(id_, owner, self._clock()))
        if stored is None:
            return None
        text = zlib.decompress(stored.body)
        document = orjson.loads(text)
        return KeptResponse(document["response"], document["items"], len(text))

    def forget(self, owner: str, id_: str) -> bool:
        """False: there is none. Raises StorageUnavailable."""
        if not _ID.fullmatch(id_):
            return False
        return within(PATIENCE_S, lambda: self._responses.delete(id_, owner, self._clock()))
