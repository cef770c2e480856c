"""`make chaos`: storms on both stores with both vendors, and one table of what they did."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import SystemRandom

from rich.console import Console
from rich.table import Table

from tests.chaos.storm import Outcome, Plan, run
from tests.chaos.verdict import Judgement

out = Console(highlight=False, width=100)


def main() -> int:
    """0 when nobody was called twice and nobody lost."""
    asked = argparse.ArgumentParser(prog="make chaos")
    asked.add_argument("--store", choices=["sqlite", "postgresql"], action="append", help="both when none is named")
    asked.add_argument("--contacts", type=int, default=2500, help="for each vendor on each store")
    asked.add_argument("--faults", type=int, default=110, help="on each store, at the least")
    asked.add_argument("--every", type=float, default=0.6, help="seconds between two faults")
    asked.add_argument("--workers", type=int, default=10, help="worker processes")
    asked.add_argument("--seed", type=int, default=None, help="repeats the choice of faults")
    asked.add_argument("--keep", type=Path, default=None, help="leave ledgers and logs in this folder")
    given = asked.parse_args()
    seed = SystemRandom().randrange(10**6) if given.seed is None else given.seed
    out.print(f"seed {seed}")
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="dialer-chaos-") as scratch:
        for store in given.store or ["sqlite", "postgresql"]:
            folder = (given.keep or Path(scratch)) / store
            folder.mkdir(parents=True)
            plan = Plan(
                store=store,
                contacts=given.contacts,
                faults=given.faults,
                every=given.every,
                seed=seed,
                workers=given.workers,
            )
            outcomes.append(run(plan, folder, say=lambda line: out.print(f"[dim]{line}[/]")))
    print_outcomes(outcomes)
    return 0 if all(outcome.sound for outcome in outcomes) else 1


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
                f"{one.doubts} → {_counted(one.doubts_ended_by)}",
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
    out.print(f"  faults: {_counted(outcome.faults)}")
    out.print(f"  requests at the proxy: {_counted(outcome.at_the_proxy)}")
    out.print(f"  died by themselves and were restarted: {_counted(outcome.died) or 'nobody'}")
    out.print(f"  refused by the vendors for pace: {outcome.refused_for_pace}")
    out.print(f"  largest worker: {outcome.memory / 2**20:.0f} MB")
    for vendor, one in outcome.judged.items():
        out.print(f"  {vendor}: {_counted(one.finals)}; ends told by: {_counted(one.ends_told_by)}")
        _name(one)


def _name(one: Judgement) -> None:
    for what, people in (("called twice", one.doubles), ("lost", one.lost), ("reported wrongly", one.wrong)):
        if people:
            out.print(f"    [red]{what}:[/] {', '.join(people[:20])}")


def _counted(counts: object) -> str:
    pairs = Counter(dict(counts)).most_common()  # type: ignore[call-overload]
    return ", ".join(f"{count} {name}" for name, count in pairs if count)


if __name__ == "__main__":
    sys.exit(main())
