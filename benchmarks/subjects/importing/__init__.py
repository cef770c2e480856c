"""Import: rows a second and memory, beside a plain loop of csv and phonenumbers.

Each measurement is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figures
from benchmarks.subjects.importing.lists import write_campaign, write_list, write_workbook
from benchmarks.subjects.retention import EVERY, spread, writes_beside
from tests.support import postgres
from tests.support.large_ledger import large_ledger

LISTS = ((100_000, False), (100_000, True), (1_000_000, False))  # rows, and whether a tenth of them is bad
COMPARED_UP_TO = 100_000  # rows: the plain loop takes as long for each row of a longer list
WORKBOOK_ROWS = 100_000
KINDS = {
    "bare": "csv + phonenumbers, nothing else",
    "check": "dialer check: every row read, told, rendered, measured",
    "sqlite": "dialer start: checked, then written into a SQLite ledger",
    "postgresql": "dialer start: checked, then written into a PostgreSQL ledger",
}
GOALS = (
    "Goals, at a million good rows: check 50,000 rows/s and at most 220 MB; start 35,000 rows/s on SQLite, 40,000 on "
    "PostgreSQL. A start writes the list while it reads it, with entries in four indexes. Memory is that of all our "
    "processes, each at its peak. PostgreSQL runs on the same machine with its default settings; it is not counted."
)
WORKBOOK_GOAL = "Goal: 20,000 rows/s. Five columns of text, each in its own cell, as openpyxl writes it."
WORKBOOK_KINDS = {
    "openpyxl": "openpyxl (read-only), the cells and nothing else",
    "check": "dialer check: the same of a workbook, its cells by their formats",
}
STARTED_BESIDE, OTHERS = 200_000, 1000  # rows of the list, and contacts of the campaign that another process writes
BESIDE_GOAL = (
    "Goal: no write waits for more than 100 ms. Another process writes a row of another campaign every "
    f"{1000 * EVERY:.0f} ms, as a worker does that settles calls, while a list of {STARTED_BESIDE:,} rows is started."
)
BESIDE_COLUMNS = ("store", "the start, seconds", "another's write, ms: median", "99 of 100", "longest")
COLUMNS = ("rows", "bad", "what", "seconds", "rows/s", "peak RSS, MB")


def measure() -> Iterator[Figures]:
    """A list with all rows good and with a tenth of them bad, a long list, and a workbook."""
    with postgres.server(durable=True) as server:
        rows = [row for size, bad in LISTS for row in _rows(size, server, bad=bad)]
        beside = [*_rows_beside(server)]
    yield Figures(title="Reading a list", columns=COLUMNS, rows=rows, note=GOALS)
    yield Figures(title="Others' writes beside a start", columns=BESIDE_COLUMNS, rows=beside, note=BESIDE_GOAL)
    yield Figures(
        title="Reading a workbook", columns=COLUMNS, rows=[*_workbook_rows(WORKBOOK_ROWS)], note=WORKBOOK_GOAL
    )


def _rows(size: int, server: str, *, bad: bool) -> Iterator[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as folder, postgres.database(server) as database:
        write_list(Path(folder) / "list.csv", size, bad=bad)
        campaign = write_campaign(Path(folder))
        for kind, what in KINDS.items():
            if kind == "bare" and size > COMPARED_UP_TO:
                continue
            url = database if kind == "postgresql" else f"sqlite:///{folder}/ledger.sqlite3"
            yield (f"{size:,}", "10 %" if bad else "none", what, *_figures(size, _run(kind, campaign, url)))


def _rows_beside(server: str) -> Iterator[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as folder, postgres.database(server) as database:
        write_list(Path(folder) / "list.csv", STARTED_BESIDE, bad=False)
        campaign = write_campaign(Path(folder))
        for store, kind, url in (
            ("SQLite", "sqlite", f"sqlite:///{folder}/ledger.sqlite3"),
            ("PostgreSQL", "postgresql", database),
        ):
            yield store, *_beside(kind, campaign, url)


def _beside(kind: str, campaign: Path, url: str) -> Iterator[str]:
    """The seconds of the start, and for how many milliseconds others' writes waited meanwhile."""
    started: list[dict[str, float]] = []
    with large_ledger(url, OTHERS):
        took = writes_beside(url, OTHERS, lambda: started.append(_run(kind, campaign, url)))
    yield f"{started[0]['seconds']:.1f}"
    yield from (f"{1000 * seconds:,.1f}" for seconds in spread(took))


def _workbook_rows(size: int) -> Iterator[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        write_workbook(Path(folder) / "list.xlsx", size)
        campaign = write_campaign(Path(folder), "list.xlsx")
        for kind, what in WORKBOOK_KINDS.items():
            yield (f"{size:,}", "none", what, *_figures(size, _run(kind, campaign, "")))


def _figures(size: int, told: dict[str, float]) -> tuple[str, str, str]:
    return f"{told['seconds']:.1f}", f"{size / told['seconds']:,.0f}", f"{told['rss']:.0f}"


def _run(kind: str, campaign: Path, ledger_url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.subjects.importing.child", kind, str(campaign), ledger_url]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    told: dict[str, float] = json.loads(done.stdout)
    return told
