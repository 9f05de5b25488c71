"""Files are taken in beside the reading of an answer: what waits for what, and that nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent.event import Event as Gate

from grok2api.errors import (
    MediaLost,
    Moderated,
    NoMedia,
    StorageUnavailable,
    UpstreamError,
    UpstreamFailed,
    UpstreamTimeout,
)
from grok2api.events import Event, Finish, Image, Progress, Text, Video
from grok2api.events import Moderated as Withheld
from grok2api.media import Kind
from grok2api.services.deliveries import FILES_AT_ONCE, deliver

#: Long after any test.
ENDS_AT = time.monotonic() + 3600


class Keeper:
    """Takes files in when their gate is opened; counts those that it is busy with."""

    def __init__(self) -> None:
        self.gates: dict[str, Gate] = {}
        self.lost: set[str] = set()
        self.busy: set[str] = set()
        self.kinds: dict[str, Kind] = {}

    def __call__(self, path: str, kind: Kind) -> None:
        self.kinds[path] = kind
        self.busy.add(path)
        try:
            self.gates.setdefault(path, Gate()).wait()
            if path in self.lost:
                raise MediaLost("it is gone")
        finally:
            self.busy.remove(path)

    def open(self, *paths: str) -> None:
        for path in paths:
            self.gates.setdefault(path, Gate()).set()


class Reading:
    """What a client has got so far of an answer that is being delivered."""

    def __init__(self, events: Iterator[Event], keep: Callable[[str, Kind], None]) -> None:
        self.got: list[Event] = []
        self.error: Exception | None = None
        self.greenlet = gevent.spawn(self._read, deliver(events, keep, ENDS_AT))

    def _read(self, events: Iterator[Event]) -> None:
        try:
            self.got.extend(events)
        except UpstreamError as error:
            self.error = error

    def settled(self) -> list[Event]:
        """After whatever can happen by itself has happened."""
        for _ in range(20):
            gevent.sleep(0)
        return self.got


def answer(*events: Event) -> Iterator[Event]:
    yield from events


def test_a_slow_file_holds_up_neither_text_nor_another_file_but_the_end() -> None:
    keeper = Keeper()
    reading = Reading(answer(Image("slow"), Text("a"), Video("quick"), Text("b"), Finish()), keeper)
    assert reading.settled() == [Text("a"), Text("b")]
    keeper.open("quick")
    assert reading.settled() == [Text("a"), Text("b"), Video("quick")]
    assert not reading.greenlet.dead
    keeper.open("slow")
    assert reading.settled()[3:] == [Image("slow"), Finish()]
    assert keeper.kinds == {"slow": Kind.IMAGE, "quick": Kind.VIDEO}


def test_only_so_many_are_taken_in_at_once() -> None:
    keeper = Keeper()
    names = [f"f{number}" for number in range(FILES_AT_ONCE + 3)]
    reading = Reading(answer(*map(Image, names), Finish()), keeper)
    reading.settled()
    assert sorted(keeper.busy) == names[:FILES_AT_ONCE]
    keeper.open(*names)
    reading.greenlet.join(5)
    assert sorted(reading.got[:-1]) == [Image(name) for name in names] and reading.got[-1] == Finish()


@pytest.mark.parametrize("how", ["the client leaves", "a file fails", "the time is over"])
def test_nothing_goes_on_behind_an_answer_that_ends_early(how: str) -> None:
    keeper, still = Keeper(), Gate()
    ended: list[str] = []

    def keep(path: str, kind: Kind) -> None:
        if path == "bad":
            raise StorageUnavailable("away")
        keeper(path, kind)

    def upstream() -> Iterator[Event]:
        try:
            yield Image("slow")
            yield Text("a")
            if how == "a file fails":
                yield Image("bad")
            still.wait()
        finally:
            ended.append("reading")

    events = deliver(upstream(), keep, time.monotonic() + 0.2 if how == "the time is over" else ENDS_AT)
    assert next(events) == Text("a")
    if how == "the client leaves":
        gevent.sleep(0.01)
        events.close()  # type: ignore[attr-defined]
    else:
        with pytest.raises((UpstreamTimeout, StorageUnavailable)):
            next(events)
    assert not keeper.busy and ended == ["reading"]


@pytest.mark.parametrize("how", ["it fails", "it just ends"])
def test_a_file_that_was_named_is_handed_out_though_upstream_breaks_off(how: str) -> None:
    def upstream() -> Iterator[Event]:
        yield Image("slow")
        if how == "it fails":
            raise UpstreamFailed("cut off")

    keeper = Keeper()
    reading = Reading(upstream(), keeper)
    assert reading.settled() == [] and not reading.greenlet.dead
    keeper.open("slow")
    assert reading.settled() == [Image("slow")]
    assert isinstance(reading.error, UpstreamFailed)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (Image("lost"), NoMedia),
        (Withheld("image"), Moderated),
        (Progress("image", 50), UpstreamFailed),
    ],
)
def test_an_answer_of_which_nothing_came_is_an_error(event: Event, problem: type[UpstreamError]) -> None:
    keeper = Keeper()
    keeper.lost.add("lost")
    keeper.open("lost", "good")
    alone = Reading(answer(event, Text("a"), Finish()), keeper)
    assert alone.settled()[-1] == Text("a") and type(alone.error) is problem
    beside = Reading(answer(event, Image("good"), Finish()), keeper)
    assert beside.settled()[-2:] == [Image("good"), Finish()] and Image("lost") not in beside.got


def test_an_answer_of_words_is_read_where_it_is_wanted() -> None:
    """One more greenlet a stream would be dear."""
    here = gevent.getcurrent()
    places = []

    def upstream() -> Iterator[Event]:
        for number in range(3):
            places.append(gevent.getcurrent())
            yield Text(str(number))
        yield Finish()

    assert len(list(deliver(upstream(), Keeper(), ENDS_AT))) == 4
    assert places == [here] * 3
