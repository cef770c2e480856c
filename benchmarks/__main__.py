"""`python -m benchmarks [subjects …]`: measure, print each table when it is ready, write it to `docs/benchmarks.md`.

A subject is a module or package in `benchmarks/subjects` whose docstring's first line is its heading and whose
`measure()` yields `Figures`. A new one is found by being there.
"""

from __future__ import annotations

import argparse
import pkgutil
import sys
import time
from collections.abc import Sequence
from importlib import import_module

from rich.console import Console
from rich.table import Table

from benchmarks import subjects
from benchmarks.figures import Figures, Section, keep

out = Console(highlight=False)
AT_ONCE = 4  # columns beside the first


def main() -> int:
    """Run the subjects that were named; returns 2 when one is not known."""
    known = sorted(module.name for module in pkgutil.iter_modules(subjects.__path__))
    asked = argparse.ArgumentParser(prog="make bench", description=f"Subjects: {', '.join(known)}.")
    asked.add_argument("subjects", nargs="*", metavar="SUBJECT", help="what to measure; nothing: everything")
    asked.add_argument("--dry", action="store_true", help="print only, and leave docs/benchmarks.md as it is")
    asked.add_argument("--only", action="append", default=[], help="of a subject that has parts, these; print only")
    given = asked.parse_args()
    if unknown := set(given.subjects) - set(known):
        sys.stderr.write(f"no subject {', '.join(sorted(unknown))}; there are: {', '.join(known)}\n")
        return 2
    for name in given.subjects or known:
        section = _measured(name, given.only)
        if not (given.dry or given.only):
            keep(section)
    return 0


def _measured(name: str, only: Sequence[str]) -> Section:
    module = import_module(f"benchmarks.subjects.{name}")
    section = Section(subject=name, about=(module.__doc__ or name).strip().splitlines()[0].rstrip("."))
    out.rule(section.about)
    began = time.monotonic()
    for table in module.measure(only) if only else module.measure():
        section.tables.append(table)
        _print(table)
    section.seconds = time.monotonic() - began
    return section


def _print(figures: Figures) -> None:
    """In pieces where there are many columns, each with the first one: a terminal may have 80 characters."""
    for first in range(1, len(figures.columns), AT_ONCE):
        some = (0, *range(first, min(first + AT_ONCE, len(figures.columns))))
        last = some[-1] == len(figures.columns) - 1
        shown = Table(title=figures.title if first == 1 else None, title_justify="left", show_lines=len(some) > AT_ONCE)
        shown.caption, shown.caption_justify = figures.note if last else None, "left"
        for place in some:
            shown.add_column(figures.columns[place], overflow="fold")
        for row in figures.rows:
            shown.add_row(*(row[place] for place in some))
        out.print(shown)


if __name__ == "__main__":
    sys.exit(main())
