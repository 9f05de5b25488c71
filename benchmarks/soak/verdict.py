"""Whether what the workers hold is flat, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import linear_regression

from benchmarks.soak.samples import Held, Sample

MIB = 1024 * 1024
#: What may have been added at the end of a run, at rest: a share of the memory and bytes; a number of the others.
MEMORY_SHARE, MEMORY_BYTES = 0.05, 4 * MIB
#: The line through the samples under load may have risen by this share in all.
RISE_SHARE = 0.10
#: Objects come and go with caches, of which some keep for longer than the warm-up lasts what they were told.
OBJECTS_SHARE, OBJECTS = 0.05, 500
#: Threads of pools come and go, and have their bounds; so have connections that are kept to be used again.
POOL_THREADS, KEPT = 3, 32
#: A greenlet may be doing something in the background at that moment.
BACKGROUND = 1


@dataclass(frozen=True)
class Line:
    """Of the table: what, at rest after the warm-up, at rest at the end, at most under load, and what is allowed."""

    what: str
    before: str
    after: str
    most: str
    allowed: str
    flat: bool

    def cells(self) -> tuple[str, ...]:
        return (self.what, self.before, self.after, self.most, self.allowed, "yes" if self.flat else "**NO**")


def judge(before: Sample, after: Sample, under_load: Sequence[Sample], pool: int) -> list[Line]:
    """before, after: at rest. under_load: between them. pool: the most connections that the workers may have."""
    lines = []
    for number, (pid, held) in enumerate(before.workers.items(), 1):
        if pid not in after.workers:
            lines.append(Line(f"worker {number}", "", "was replaced", "", "never", False))
            continue
        load = [sample.workers[pid] for sample in under_load if pid in sample.workers]
        times = [sample.at for sample in under_load if pid in sample.workers]
        lines += _of_worker(number, held, after.workers[pid], load, times)
    if before.connections is not None and after.connections is not None:
        most = max(sample.connections or 0 for sample in under_load)
        lines.append(
            Line(
                "connections to the storage", str(before.connections), str(after.connections), str(most),
                f"≤ {pool}", max(most, after.connections) <= pool,
            )
        )  # fmt: skip
    return lines


def _of_worker(
    number: int, before: Held, after: Held, load: Sequence[Held], times: Sequence[float]
) -> list[Line]:
    def line(
        what: str, of: Callable[[Held], float], allowed: float, said: str, show: Callable[[float], str]
    ) -> Line:
        grown = of(after) - of(before)
        most = max((of(held) for held in load), default=0.0)
        name = f"worker {number}: {what}"
        return Line(name, show(of(before)), show(of(after)), show(most), said, grown <= allowed)

    def mib(value: float) -> str:
        return f"{value / MIB:.1f}"

    def whole(value: float) -> str:
        return f"{value:.0f}"

    memory = before.memory * MEMORY_SHARE + MEMORY_BYTES
    objects = before.objects * OBJECTS_SHARE + OBJECTS
    return [
        line("memory, MiB", lambda h: h.memory, memory, f"+ {mib(memory)}", mib),
        _rise(number, load, times),
        line("file descriptors, but of pools", lambda h: h.fds, 0, "+ 0", whole),
        line("kept connections to upstream", lambda h: h.upstream, KEPT, f"+ {KEPT}", whole),
        line("threads", lambda h: h.threads, POOL_THREADS, f"+ {POOL_THREADS}", whole),
        line("greenlets", lambda h: h.greenlets, BACKGROUND, f"+ {BACKGROUND}", whole),
        line("objects", lambda h: h.objects, objects, f"+ {whole(objects)}", whole),
    ]  # fmt: skip


def _rise(number: int, load: Sequence[Held], times: Sequence[float]) -> Line:
    """Of the memory under load, by the straight line that fits the samples best."""
    name = f"worker {number}: memory's rise under load"
    if len(load) < 3:
        return Line(name, "", "too few samples", "", "", False)
    fit = linear_regression(times, [held.memory for held in load])
    risen = fit.slope * (times[-1] - times[0]) / load[0].memory
    said = f"{risen:+.1%}, {fit.slope * 3600 / MIB:+.1f} MiB/h"
    return Line(name, "", said, "", f"+ {RISE_SHARE:.0%}", risen <= RISE_SHARE)


def table(lines: Sequence[Line]) -> str:
    head = ("", "at rest, warm", "at rest, at the end", "at most under load", "allowed", "flat")
    rows = [head, ("---", "---:", "---:", "---:", "---:", "---"), *(line.cells() for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def grown_types(before: Held, after: Held) -> list[str]:
    """The kinds of objects that there are more of than before, the most first; for looking for a leak."""
    grown = {name: count - before.types.get(name, 0) for name, count in after.types.items()}
    most = sorted(grown.items(), key=lambda item: -item[1])[:12]
    return [f"{name} {count:+}" for name, count in most if count > 0]
