"""Takes upstream's own markup out of an answer while it streams.

What is filtered is the concatenated text, so the result does not depend on how upstream cut it into tokens:

- Names are compared without regard to (ASCII) case. A listed element goes with everything it encloses.
  Elements of its own name in it are counted; nothing else in it matters, so a closing tag in CDATA closes.
- `xaiartifact`, when listed, is unwrapped: its tags go, its body stays, and listed tags in the body are
  filtered. The body is put into a code fence when `contentType` names a type: `text/x-pythonsrc` makes the
  label `python`. Prose (`text/markdown`, `text/plain`) needs no fence. Of nested artifacts only the outermost
  that asks for a fence has one. It is of four backticks, since the body's longest run of them cannot be known
  while streaming, and stands on lines of its own; line breaks are added only where missing.
- A tag is `<name` or `</name`, then white space, `/` or `>`, then at most `ATTRIBUTES_MAX` characters up to
  the `>`. Between quotes, `>` and `<` mean nothing; a `<` elsewhere makes it no tag. `<name …/>` goes alone.
- A complete opening tag starts an element even if it is never closed: then it lasts to the end. Anything less
  is text and comes through to the character: a lone `<`, an unfinished tag, a closing tag of nothing. Where a
  `<` turns out to be text, reading goes on right after it.
- Held back is only what may still become a tag that counts at this place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from grok2api.events import Event, Finish, Reasoning, Text

#: Characters between a tag's name and its `>`; with more it is text, which bounds what is held back.
ATTRIBUTES_MAX = 8192

_UNWRAPPED = "xaiartifact"
_LINE_ENDS = ("", "\n", "\r")  # "" is the start of the text

# Always matches, without backtracking: as many plain characters and closed quotes as there are.
_ATTRIBUTES = re.compile(r"""[^"'<>]*(?:(?:"[^"]*"|'[^']*')[^"'<>]*)*""")
# One attribute, or a quoted text without a name, which is skipped whole: it may look like an attribute.
_ATTRIBUTE = re.compile(r"""([^\s"'=/]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"']+))?|"[^"]*"|'[^']*'""")
_LABEL = re.compile(r"[a-z0-9][a-z0-9+#._-]{0,39}")


def filter_tags(events: Iterable[Event], names: frozenset[str] | tuple[str, ...]) -> Iterator[Event]:
    """Passes all events on, without the elements called `names`; text and thinking are filtered apart.

    Other events, also headings, pass at once and overtake what is held back, which may still go on. When text
    follows thinking, thinking is over for now: what it held back comes out before the text.
    """
    listed = frozenset(name.strip().lower() for name in names) - {""}
    if not listed:
        yield from events
        return
    answer, thinking = TagFilter(listed), TagFilter(listed)
    try:
        yield from _filtered(events, answer, thinking)
    except Exception:
        yield from _ends(thinking, answer)  # what was held back was said, whatever came then
        raise


def _filtered(events: Iterable[Event], answer: TagFilter, thinking: TagFilter) -> Iterator[Event]:
    thought = False
    for event in events:
        if type(event) is Text:  # runs for each token: cheaper than isinstance
            current = answer
            if thought and (rest := thinking.pause()):
                yield Reasoning(rest)
            thought = False
        elif type(event) is Reasoning and not event.heading:
            current, thought = thinking, True
        else:
            if isinstance(event, Finish):
                yield from _ends(thinking, answer)
            yield event
            continue
        text = event.text
        if current.idle and text and "<" not in text:  # nearly every token
            current.shown = text
            yield event
        elif text := current.feed(text):
            yield type(event)(text)
    yield from _ends(thinking, answer)


def _ends(thinking: TagFilter, answer: TagFilter) -> Iterator[Event]:
    if text := thinking.end():
        yield Reasoning(text)
    if text := answer.end():
        yield Text(text)


class TagFilter:
    """The filter of one text. `names`: lower case, at least one.

    While `idle`, a text without `<` need not be fed: it would come back unchanged. Who skips it so puts it
    into `shown`, the latest text that was shown: a fence must know whether it begins a line.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self.idle = True
        self.shown = self.held = ""
        self._names = names
        self._out: list[str] = []
        self._removed = ""  # the name of the element being removed
        self._depth = 0  # how many elements of that name are open
        self._unwrapped = 0  # how many unwrapped elements are open
        self._fenced = 0  # which of them, counted from 1, has the fence; 0: none
        self._break_due = False  # after a fence's line: the next text must begin with a line break

    def feed(self, text: str) -> str:
        """What can be shown now that `text` has come."""
        self.held += text
        self._read(to_the_end=False)
        return self._take()

    def pause(self) -> str:
        """What was held back, as text, and the end of an open fence. Elements stay open."""
        if not self._removed:  # what is held there would not be shown, but may go on to be the closing tag
            self._read(to_the_end=True)
        if self._fenced:
            self._fence(0)
        return self._take()

    def end(self) -> str:
        """The rest. Afterwards no element is open."""
        self._read(to_the_end=True)
        if self._fenced:
            self._fence(0)
        self._removed, self._unwrapped, self._break_due = "", 0, False
        return self._take()

    def _take(self) -> str:
        self.idle = not (self.held or self._removed or self._break_due)
        text, self._out = "".join(self._out), []
        return text

    def _read(self, to_the_end: bool) -> None:
        """Reads what is held as far as it is decided, or to the end, where the undecided is text."""
        text = self.held
        done = position = 0
        while tag := _tags(self._names, self._removed, self._unwrapped > 0).search(text, position):
            end = _tag_end(text, tag)
            if end == len(text) and not to_the_end:
                break
            position = tag.start() + 1
            if 0 < end < len(text):
                self._show(text[done : tag.start()])
                done = position = end + 1
                if not tag["opening"]:
                    self._leave()
                elif text[end - 1] != "/":
                    self._enter(tag["opening"].lower(), text[tag.end() : end])
        undecided = tag.start() if tag else len(text)
        self._show(text[done:undecided])
        self.held = text[undecided:]

    def _show(self, text: str) -> None:
        if text and not self._removed:
            self._put(text)

    def _put(self, text: str) -> None:
        if self._break_due and text[0] not in _LINE_ENDS:
            self._out.append("\n")
        self._break_due = False
        self._out.append(text)
        self.shown = text

    def _enter(self, name: str, attributes: str) -> None:
        if self._removed:
            self._depth += 1
        elif name != _UNWRAPPED:
            self._removed, self._depth = name, 1
        else:
            self._unwrapped += 1
            if not self._fenced and (label := _fence_label(attributes)):
                self._fence(self._unwrapped, label)

    def _leave(self) -> None:
        if self._removed:
            self._depth -= 1
            self._removed = self._removed if self._depth else ""
        else:
            if self._fenced == self._unwrapped:
                self._fence(0)
            self._unwrapped -= 1

    def _fence(self, element: int, label: str = "") -> None:
        """Begins the fence of an unwrapped element; 0: ends it."""
        self._fenced = element
        self._put(("" if self.shown[-1:] in _LINE_ENDS else "\n") + "````" + label)
        self._break_due = True


@lru_cache(maxsize=64)
def _tags(names: frozenset[str], removed: str, unwrapped: bool) -> re.Pattern[str]:
    """Finds the tags that count, up to the name's end, or what the end of the text cut off before that."""
    opening = sorted({removed} if removed else names)
    closing = [removed or _UNWRAPPED] if removed or unwrapped else []
    starts = [*opening, *("/" + name for name in closing)]
    cut = sorted({start[:size] for start in starts for size in range(len(start) + 1)})
    whole = rf"(?:(?P<opening>{_any_of(opening)})|/(?P<closing>{_any_of(closing)}))(?=[\s/>])"
    return re.compile(rf"<(?:{whole}|(?:{_any_of(cut)})\Z)", re.IGNORECASE | re.ASCII)


def _any_of(words: list[str]) -> str:
    return "|".join(map(re.escape, words)) or "(?!)"


def _tag_end(text: str, tag: re.Match[str]) -> int:
    """Where the tag's `>` is; the text's length: it may still come; 0: it cannot."""
    if not (tag["opening"] or tag["closing"]):
        return len(text)
    limit = tag.end() + ATTRIBUTES_MAX
    end = limit if (match := _ATTRIBUTES.match(text, tag.end(), limit)) is None else match.end()
    if text.startswith(">", end):
        return end
    needed = len(text) + (end < len(text))  # an open quote must end before the `>`
    return 0 if text.startswith("<", end) or needed > limit else len(text)


def _fence_label(attributes: str) -> str:
    """The code fence's label for the artifact whose opening tag has these attributes; "" for no fence."""
    for name, value in _ATTRIBUTE.findall(attributes):
        if name.lower() == "contenttype":
            kind = value.strip("\"'").partition(";")[0].strip().lower().rpartition("/")[2]
            kind = kind[2:].removesuffix("src") if kind.startswith("x-") else kind
            return kind if _LABEL.fullmatch(kind) and kind not in ("markdown", "plain") else ""
    return ""
