"""Stable names for what is random in an answer: ids and times."""

from __future__ import annotations

import re
import time

_ID = re.compile(r"\b(chatcmpl-|[a-z]+_)([0-9a-f]{24,32})\b")
_NAMED = re.compile(r"(?<=_)ID\d+\b")
_TIMES = {"created": "CREATED", "created_at": "CREATED", "completed_at": "COMPLETED"}
_RECENT_S = 60


class Names:
    """The first random id is `ID1` wherever it stands, the next `ID2` and so on, whatever is in front of them."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def hide(self, text: str) -> str:
        """One answer with names for its ids and times. Fails when a time changes in it, or is not now."""
        for key, name in _TIMES.items():
            times = re.compile(rf'("{key}": ?)(\d+)')
            found = {int(at) for _, at in times.findall(text)}
            assert len(found) < 2, f"{key} changes: {found}"
            assert all(abs(at - time.time()) < _RECENT_S for at in found), f"{key} is not now: {found}"
            text = times.sub(rf"\1{name}", text)
        return self.hide_ids(text)

    def hide_ids(self, text: str) -> str:
        return _ID.sub(lambda found: found[1] + self._name(found[2]), text)

    def restore(self, text: str) -> str:
        """The text with the ids that it names."""
        ids = {name: id_ for id_, name in self._names.items()}
        return _NAMED.sub(lambda found: ids[found[0]], text)

    def _name(self, id_: str) -> str:
        return self._names.setdefault(id_, f"ID{len(self._names) + 1}")
