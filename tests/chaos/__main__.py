"""`make chaos`: storms on both stores with both vendors, and one table of what they did."""

from __future__ import annotations

import argparse
import math
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import SystemRandom

from rich.console import Console
from rich.table import Table

from tests.chaos.record import counted, record
from tests.chaos.stores import STORES
from tests.chaos.storm import Outcome, Plan, run
from tests.chaos.verdict import Judgement
from tests.support import pgbouncer

out = Console(highlight=False, width=100)


def main() -> int:
    """0 when nobody was called twice and nobody lost."""
    asked = argparse.ArgumentParser(prog="make chaos")
    asked.add_argument("--store", choices=STORES, action="append", help="all when none is named")
    asked.add_argument("--contacts", type=int, default=2000, help="for each vendor on each store")
    asked.add_argument("--faults", type=int, default=250, help="on each store, at the least")
    asked.add_argument("--pace", type=int, default=40, help="calls a second, of each vendor's campaign")
    asked.add_argument("--seconds", type=float, default=math.inf, help="for which faults are thrown at the most")
    asked.add_argument("--every", type=float, default=0.2, help="seconds between two faults")
    asked.add_argument("--workers", type=int, default=10, help="worker processes")
    asked.add_argument(
        "--sentinel", action="store_true", help="two Redis and a Sentinel, and failovers among the faults"
    )
    asked.add_argument("--seed", type=int, default=None, help="repeats the choice of faults")
    asked.add_argument("--keep", type=Path, default=None, help="leave ledgers and logs in this folder")
    asked.add_argument("--record", action="store_true", help="add the storms to the table in docs/under-fire.md")
    given = asked.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no process and no disk is left behind
    seed = SystemRandom().randrange(10**6) if given.seed is None else given.seed
    out.print(f"seed {seed}")
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="dialer-chaos-") as scratch:
        for store in given.store or _all_here():
            folder = (given.keep or Path(scratch)) / store
            folder.mkdir(parents=True, exist_ok=True)
            plan = Plan(
                store=store,
                contacts=given.contacts,
                faults=given.faults,
                pace=given.pace,
                seconds=given.seconds,
                every=given.every,
                seed=seed,
                workers=given.workers,
                sentinel=given.sentinel,
            )
            outcomes.append(run(plan, folder, say=lambda line: out.print(f"[dim]{line}[/]")))
    print_outcomes(outcomes)
    if given.record:
        record(outcomes, seed)
    return 0 if all(outcome.sound for outcome in outcomes) else 1


def _all_here() -> list[str]:
    """Every store, or all but PgBouncer where there is none."""
    if pgbouncer.program():
        return list(STORES)
    out.print(f"[yellow]not tried:[/] {pgbouncer.ABSENT}")
    return [name for name in STORES if name != "pgbouncer"]


def print_outcomes(outcomes: list[Outcome]) -> None:
    """The table, the faults by name, and the numbers of whoever was called twice or lost."""
    shown = Table(title="Storms", title_justify="left")
    for column in (
        "store",
        "vendor",
        "faults",
        "contacts",
        "calls",
        "doubles",
        "lost",
        "wrong",
        "unconfirmed → settled",
    ):
        shown.add_column(column, justify="left" if column in {"store", "vendor", "unconfirmed → settled"} else "right")
    for outcome in outcomes:
        for vendor, one in outcome.judged.items():
            shown.add_row(
                outcome.store,
                vendor,
                str(sum(outcome.faults.values())),
                *(str(figure) for figure in (one.contacts, one.calls)),
                *(str(len(people)) for people in (one.doubles, one.lost, one.wrong)),
                f"{one.doubts} → {counted(one.doubts_ended_by)}",
            )
    out.print(shown)
    for outcome in outcomes:
        _print_faults(outcome)
    total = sum((Counter(outcome.faults) for outcome in outcomes), Counter())
    everybody = [one for outcome in outcomes for one in outcome.judged.values()]
    out.print(
        f"\n{sum(total.values())} faults, {sum(one.contacts for one in everybody)} contacts: "
        f"{sum(len(one.doubles) for one in everybody)} called twice, "
        f"{sum(len(one.lost) for one in everybody)} lost, "
        f"{sum(len(one.wrong) for one in everybody)} reported wrongly."
    )


def _print_faults(outcome: Outcome) -> None:
    out.print(f"\n[bold]{outcome.store}[/], {outcome.seconds:.0f} s")
    out.print(f"  faults: {counted(outcome.faults)}")
    out.print(f"  requests at the proxy: {counted(outcome.at_the_proxy)}")
    out.print(f"  died by themselves and were restarted: {counted(outcome.died) or 'nobody'}")
    out.print(f"  refused by the vendors for pace: {outcome.refused_for_pace}")
    out.print(f"  done by the operator: {counted(outcome.by_the_operator) or 'nothing'}")
    out.print(f"  largest worker: {outcome.memory / 2**20:.0f} MB")
    for vendor, one in outcome.judged.items():
        out.print(f"  {vendor}: {counted(one.finals)}; ends told by: {counted(one.ends_told_by)}")
        _name(one)


def _name(one: Judgement) -> None:
    for what, people in (("called twice", one.doubles), ("lost", one.lost), ("reported wrongly", one.wrong)):
        if people:
            out.print(f"    [red]{what}:[/] {', '.join(people[:20])}")


if __name__ == "__main__":
    sys.exit(main())
