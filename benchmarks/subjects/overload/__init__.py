"""More asked for than the machine carries: the whole program, beside one Celery task for each call.

`dialer up`, a list, `dialer start` and a vendor that answers at once, all on one machine. `--only WORD …` measures the
rows with these words alone: a store, a pace, `1 worker`, `recipe`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.figures import Figures
from benchmarks.subjects.overload.program import account_of, program
from benchmarks.subjects.overload.recipe import POOLS, placed_by_recipe
from benchmarks.subjects.overload.sample import Sample
from tests.support.timed_vendor import TimedVendor, timed_vendor

PACES = (100, 500, 1000, 2000)
WORKERS = (1, 2)
STORES = ("SQLite", "PostgreSQL")
SECONDS = 5.0
NOTE = (
    f"Each row: {SECONDS:.0f} s of one list. Workers, beat, Flower, console, Redis, the ledger's server and the vendor "
    "share the cores. The recipe has no ledger, no limits and no gates; its tasks are queued before it starts. Most in "
    "1 s: stamped by the kernel as they reach the vendor. False failures: requests told as failed or in doubt, though "
    "the vendor answers all. Given back unsent: placed later, and no attempt is spent. Goals: on SQLite 1.3 times the "
    "best recipe; most in 1 s the pace + 1, above 100 + 5 %; no false failure."
)
COLUMNS = (
    "what",
    "asked/s",
    "placed/s",
    "of the best recipe",
    "most in 1 s",
    "workers' CPU each",
    "false failures",
    "given back unsent",
)


def measure(only: Sequence[str] = ()) -> Iterator[Figures]:
    """The recipe on each pool, and then the program at every pace on both stores with one worker and with two."""
    with timed_vendor() as vendor:
        recipes = {pool: placed_by_recipe(pool, vendor, SECONDS) for pool in POOLS if _wanted(only, f"recipe {pool}")}
        best = max((sample.rate for sample in recipes.values()), default=0.0)
        rows = [_row(f"one task a call, {pool}", "–", sample, best) for pool, sample in recipes.items()]
        for store in STORES:
            for workers in WORKERS:
                rows += _rows(store, workers, vendor, best, only)
    yield Figures(
        title="Calls placed a second",
        columns=COLUMNS,
        rows=rows,
        note=NOTE,
    )


def _rows(store: str, workers: int, vendor: TimedVendor, best: float, only: Sequence[str]) -> list[Sequence[str]]:
    """All paces with one program that stays up."""
    name = f"{store}, {workers} worker{'s' * (workers > 1)}"
    paces = [pace for pace in PACES if _wanted(only, f"{name} {pace}")]
    if not paces:
        return []
    with program(store, vendor, {account_of(pace): pace for pace in paces}, workers=workers) as running:
        return [_row(name, str(pace), running.place(pace, vendor, SECONDS), best) for pace in paces]


def _row(what: str, asked: str, seen: Sample, best: float) -> Sequence[str]:
    return (
        what,
        asked,
        f"{seen.rate:.0f}",
        f"{seen.rate / best:.2f}" if best else "–",
        str(seen.most),
        f"{seen.cpu_each * 1000:.2f} ms",
        str(seen.failed),
        str(seen.unsent),
    )


def _wanted(only: Sequence[str], row: str) -> bool:
    return not only or any(
        all(word in row.lower().replace(",", "").split() for word in one.lower().split()) for one in only
    )
