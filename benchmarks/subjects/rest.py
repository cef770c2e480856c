"""A stack at rest: what it takes of the processor and of memory while nothing is to be called, and until it is up.

`dialer up` as it starts by itself on two cores, with two workers and four accounts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.figures import Figures
from benchmarks.subjects.overload.program import Program, program
from tests.support.processes import own_memory, processor_seconds
from tests.support.timed_vendor import timed_vendor

STORES = ("SQLite", "PostgreSQL")
WORKERS = 2
ACCOUNTS = {f"account{number}": 10.0 for number in range(4)}
SETTLED_AFTER, SECONDS = 15.0, 60.0


def measure() -> Iterator[Figures]:
    """Both stores, each with a stack of its own."""
    whole: list[Sequence[str]] = []
    parts: list[Sequence[str]] = []
    with timed_vendor() as vendor:
        for store in STORES:
            with program(store, vendor, ACCOUNTS, workers=WORKERS) as running:
                started = processor_seconds(*running.programs().values())
                shares, memory = _at_rest(running)
            whole.append((store, *_figures(sum(shares.values()), sum(memory.values())), f"{started:.1f} s"))
            parts += [(store, name, *_figures(shares[name], memory[name])) for name in shares]
    yield Figures(
        title="The whole stack",
        columns=("ledger", "of one core", "memory, MB", "processor time until it is up"),
        rows=whole,
        note=f"All processes of the stack, PostgreSQL's server not among them, for {SECONDS:.0f} s. Memory that "
        "processes share is counted once. Goals: 3 %, 450 MB.",
    )
    yield Figures(
        title="Its programs",
        columns=("ledger", "program", "of one core", "memory, MB"),
        rows=parts,
        note="`up` supervises; `server` has imported what the others share, and forks them.",
    )


def _at_rest(running: Program) -> tuple[Mapping[str, float], Mapping[str, int]]:
    """By program, the share of a core, and bytes of memory."""
    time.sleep(SETTLED_AFTER)  # what it does once after its start is over
    names = running.programs()
    before = {name: processor_seconds(pid) for name, pid in names.items()}
    time.sleep(SECONDS)
    shares = {name: (processor_seconds(pid) - before[name]) / SECONDS for name, pid in names.items()}
    return shares, {name: own_memory(pid) for name, pid in names.items()}


def _figures(share: float, memory: int) -> tuple[str, str]:
    return f"{100 * share:.2f} %", f"{memory / 2**20:.0f}"
