"""The table of the last drill in docs/runbook.md, written by the program: `make drill ARGS="--record"`."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from scripts.markdown_table import table
from tests.drill.faults import FAULTS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "runbook.md"
BEGIN, END = "<!-- drill -->\n", "<!-- /drill -->"
HEAD = ("fault", "alert", "fires after", "the panel shows", "the runbook's step", "ends after")


class Row(NamedTuple):
    """What was seen of one fault."""

    fault: str
    alert: str
    fired: str
    shown: str
    step: str
    ended: str


def record(rows: Sequence[Row], page: Path = PAGE) -> None:
    """Write these rows in place of those of the same alerts."""
    text = page.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    section, _, after = rest.partition(END)
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in section.splitlines() if line[:1] == "|"
    ]
    lines = {line[1]: Row(*line) for line in cells[2:]} | {row.alert: row for row in rows}
    lines = {fault.alert: lines[fault.alert] for fault in FAULTS if fault.alert in lines}
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip()  # noqa: S607
    fired = sum(row.fired != "not" and row.ended != "not" for row in lines.values())
    head = f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}: {len(lines)} faults, {fired} alerts fired and ended.\n\n"
    page.write_text(f"{before}{BEGIN}{head}{table(HEAD, lines.values())}\n{END}{after}", "utf-8")
