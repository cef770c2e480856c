"""The table of the last drill in docs/runbook.md, written by the program: `make drill ARGS="--record"`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from scripts.markdown_table import table
from tests.chaos.record import commit_at_hand

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "runbook.md"
BEGIN, END = "<!-- drill -->\n", "<!-- /drill -->"
HEAD = ("fault", "alert", "fires after", "the panel shows", "the runbook's command says", "its step", "ends after")


class Row(NamedTuple):
    """What was seen of one fault."""

    fault: str
    alert: str
    fired: str
    shown: str
    said: str
    step: str
    ended: str

    @property
    def is_whole(self) -> bool:
        """Whether the alert fired, was shown by its panel and by the command, and ended."""
        return "not" not in (self.fired, self.said, self.ended) and bool(self.shown)


def record(rows: Sequence[Row], page: Path = PAGE) -> None:
    """Write the table of this run in place of the last one's."""
    text = page.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    ended = sum(row.is_whole for row in rows)
    run = f"{datetime.now(UTC):%Y-%m-%d}, commit {commit_at_hand()}, one run"
    head = f"{run}: {len(rows)} faults, {ended} alerts fired and ended.\n\n"
    page.write_text(f"{before}{BEGIN}{head}{table(HEAD, rows)}\n{END}{after}", "utf-8")
