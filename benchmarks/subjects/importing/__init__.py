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

SIZES = (100_000, 1_000_000)
KINDS = {
    "bare": "csv + phonenumbers, nothing else",
    "check": "dialer check: every row read, told, rendered, measured",
    "start": "dialer start: checked, then admitted to a SQLite ledger",
}
COLUMNS = ("rows", "bad", "what", "seconds", "rows/s", "peak RSS, MB")


def measure() -> Iterator[Figures]:
    """Every size, clean and with a tenth of the rows bad."""
    rows = []
    for size in SIZES:
        for bad in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                write_list(Path(folder) / "list.csv", size, bad=bad)
                campaign = write_campaign(Path(folder))
                for kind, what in KINDS.items():
                    told = _run(kind, campaign)
                    share = "10 %" if bad else "none"
                    figures = (f"{told['seconds']:.1f}", f"{size / told['seconds']:,.0f}", f"{told['rss']:.0f}")
                    rows.append((f"{size:,}", share, what, *figures))
    note = "Goal: 30,000 rows/s and less than 300 MB. A start reads the list once, and writes it with seven indexes."
    yield Figures(title="Reading a list", columns=COLUMNS, rows=rows, note=note)


def _run(kind: str, campaign: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.subjects.importing.child", kind, str(campaign)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    told: dict[str, float] = json.loads(done.stdout)
    return told
