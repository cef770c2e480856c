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
from benchmarks.subjects.importing.lists import write_campaign, write_list
from tests.support import postgres

SIZES = (100_000, 1_000_000)
KINDS = {
    "bare": "csv + phonenumbers, nothing else",
    "check": "dialer check: every row read, told, rendered, measured",
    "sqlite": "dialer start: checked, then written into a SQLite ledger",
    "postgresql": "dialer start: checked, then written into a PostgreSQL ledger",
}
GOALS = (
    "Goals, at a million good rows: check 50,000 rows/s and at most 220 MB; start 35,000 rows/s on SQLite, 40,000 on "
    "PostgreSQL. A start reads the list once; what it writes has entries in three indexes. PostgreSQL runs on the same "
    "machine with its default settings; its memory is not counted."
)
COLUMNS = ("rows", "bad", "what", "seconds", "rows/s", "peak RSS, MB")


def measure() -> Iterator[Figures]:
    """Every size, clean and with a tenth of the rows bad."""
    with postgres.server(durable=True) as server:
        rows = [row for size in SIZES for bad in (False, True) for row in _rows(size, server, bad=bad)]
    yield Figures(title="Reading a list", columns=COLUMNS, rows=rows, note=GOALS)


def _rows(size: int, server: str, *, bad: bool) -> Iterator[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as folder, postgres.database(server) as database:
        write_list(Path(folder) / "list.csv", size, bad=bad)
        campaign = write_campaign(Path(folder))
        for kind, what in KINDS.items():
            url = database if kind == "postgresql" else f"sqlite:///{folder}/ledger.sqlite3"
            told = _run(kind, campaign, url)
            figures = (f"{told['seconds']:.1f}", f"{size / told['seconds']:,.0f}", f"{told['rss']:.0f}")
            yield (f"{size:,}", "10 %" if bad else "none", what, *figures)


def _run(kind: str, campaign: Path, ledger_url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.subjects.importing.child", kind, str(campaign), ledger_url]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    told: dict[str, float] = json.loads(done.stdout)
    return told
