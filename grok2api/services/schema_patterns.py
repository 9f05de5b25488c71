"""Regular expressions of clients: searched with a limit of time, and compiled only when that cannot be costly."""

from __future__ import annotations

import re
from functools import lru_cache

import regex

LENGTH_MAX = 2000
#: Items of the pattern when what is repeated is written out as often as it must occur. `regex` does write it out when
#: it compiles: a few counts in one another would fill the memory.
SIZE_MAX = 5000
#: Groups in one another.
DEPTH_MAX = 50

# Groups that are neither JavaScript's nor Python's are left out: nobody has looked at what recursion costs.
_TOKEN = re.compile(
    r"""(?P<escape>\\(?:[pP]\{[\w=:-]{1,60}\}|u\{(?P<code>[0-9A-Fa-f]{1,6})\}|k(?P<back><\w{1,60}>)|.))
    |(?P<set>\[\^?\]?(?:\\.|[^\\\]])*\])
    |(?P<flags>\(\?[aimsu]{1,6}\)|\(\?P=\w{1,60}\))
    |(?P<open>\((?:\?(?:[:=!>]|<[=!]|P?<\w{1,60}>|[aimsu]{1,6}:)|(?!\?)))
    |(?P<close>\))
    |(?P<times>\{(?P<least>\d{1,9})(?:,\d{0,9})?\})
    |(?P<other>[^\\\[(])""",
    re.VERBOSE | re.DOTALL,
)


class BadPattern(Exception):
    """The pattern is none, or too costly. The message is short and for the client."""


@lru_cache(maxsize=512)
def compiled(pattern: str) -> regex.Pattern[str]:
    """The pattern to search with; BadPattern. Every search needs a `timeout`, it may take for ever without."""
    if len(pattern) > LENGTH_MAX:
        raise BadPattern("the pattern is too long")
    try:
        return regex.compile(_translated(pattern), cache_pattern=False)
    except (regex.error, RecursionError, ValueError, OverflowError) as error:
        raise BadPattern(f"the pattern does not compile: {str(error)[:100]}") from error


def _translated(pattern: str) -> str:
    """The pattern in the words of `regex`. A brace that is no count is made literal: it means fuzziness there."""
    out: list[str] = []
    sizes, latest, at = [0], 0, 0  # of the open groups; of the item that a count would repeat
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            raise BadPattern("the pattern does not compile, or uses what JavaScript does not know")
        text, at = token[0], token.end()
        if token["open"]:
            sizes.append(0)
            latest = 0
        elif token["close"]:
            latest = sizes.pop()
            if not sizes:
                raise BadPattern("the pattern does not compile: a parenthesis too many")
            sizes[-1] += latest
        elif token["times"]:
            again = max(int(token["least"]), 1) - 1
            sizes[-1] += latest * again
            latest += latest * again
        elif text not in ("*", "+", "?"):
            latest = 1
            sizes[-1] += 1
        if sizes[-1] > SIZE_MAX or len(sizes) > DEPTH_MAX:
            raise BadPattern("the pattern repeats too much")
        out.append(_in_our_words(token))
    return "".join(out)


def _in_our_words(token: re.Match[str]) -> str:
    if token["code"]:
        return rf"\U{int(token['code'], 16):08x}"
    if token["back"]:
        return rf"\g{token['back']}"
    return r"\{" if token["other"] == "{" else token[0]
