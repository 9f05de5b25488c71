"""Tells early that JSON which is being written is no call of a declared tool."""

from __future__ import annotations

import re

from grok2api.services.tool_calls import ARGUMENT_KEYS, NAME_KEYS, OTHER_KEYS, TYPES, Toolbox

_TOKEN = re.compile(r"""["'{}\[\],:]|[^\s"'{}\[\],:]+""")
#: By its quote, what a string may end with. Models write single ones, too.
_IN_STRING = {'"': re.compile(r'["\\]'), "'": re.compile(r"['\\]")}
_OPENED_BY = {"}": "{", "]": "["}
_KEYS = frozenset((*NAME_KEYS, *ARGUMENT_KEYS, *OTHER_KEYS))
_WITH_CALLS = ("function", "tool_calls")
_MUST_BE_STRING = frozenset((*NAME_KEYS, "type", "tool_calls"))
#: Keys and names of tools are shorter.
_STRING_MAX = 200


class CallShape:
    """Follows one or more documents of JSON, of which it looks only at the keys and names of calls."""

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools
        #: whether the name of a declared tool has come
        self.named = False
        self._open: list[str] = []  # brackets of lists of calls and of calls
        self._skipped = 0  # brackets open within arguments
        self._at_key = False  # in a call: whether a key is next, or the value of `_key`
        self._key = ""
        self._quote = ""  # of the string that is open
        self._escaped = False
        self._string: str | None = None  # what has come of a string that matters

    def read(self, text: str, at: int, end: int) -> int:
        """Where in this part of the text it turns out to be no call; -1: it still may be one."""
        while at < end:
            if self._escaped:
                self._escaped = False
                at += 1
            elif self._quote:
                found = _IN_STRING[self._quote].search(text, at, end)
                stop = found.start() if found else end
                if self._string is not None:
                    if len(self._string) + stop - at > _STRING_MAX:
                        return at + _STRING_MAX - len(self._string)
                    self._string += text[at:stop]
                if found is None:
                    return -1
                at = found.end()
                if found[0] == "\\":
                    self._escaped = True
                    if self._string is not None:
                        return stop  # no name needs an escape
                else:
                    self._quote = ""
                    if self._string is not None and not self._string_ends(self._string):
                        return stop
            else:
                found = _TOKEN.search(text, at, end)
                if found is None:
                    return -1
                if not self._takes(found[0]):
                    return found.start()
                at = found.end()
        return -1

    def _takes(self, token: str) -> bool:
        if token in _IN_STRING:
            self._quote = token
            self._string = None
            if self._skipped:
                return True
            if self._at_key or self._key in _MUST_BE_STRING:
                self._string = ""
            return self._in_call
        if self._skipped:
            self._skipped += (token in "{[") - (token in "}]")  # nosec B105 # a token of JSON
            return True
        match token:
            case "{":
                return self._opens("{", not self._open or self._open[-1] == "[" or self._key in _WITH_CALLS)
            case "[":
                return self._opens("[", not self._open or (self._in_call and self._key == "tool_calls"))
            case "}" | "]":
                self._at_key, self._key = False, ""
                return bool(self._open) and self._open.pop() == _OPENED_BY[token]
            case ",":
                self._at_key, self._key = self._in_call, ""
                return True
            case ":":
                was, self._at_key = self._at_key, False
                return was
        return self._in_call and not self._at_key and self._key not in _MUST_BE_STRING

    @property
    def _in_call(self) -> bool:
        return self._open[-1:] == ["{"]

    def _opens(self, bracket: str, of_calls: bool) -> bool:
        if self._at_key:
            return False
        if of_calls:
            self._open.append(bracket)
            self._at_key, self._key = bracket == "{", ""
            return True
        self._skipped = 1
        return bracket == "{" and self._key in ARGUMENT_KEYS

    def _string_ends(self, text: str) -> bool:
        if self._at_key:
            self._key = text
            return text in _KEYS
        if self._key == "type":
            return text in TYPES
        if self._key == "tool_calls":
            return False
        self.named = self.named or self._tools.find(text) is not None
        return self._tools.find(text) is not None
