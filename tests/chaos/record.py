"""The table of storms in docs/under-fire.md, written by the program: `make chaos ARGS="--record"`."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from scripts.markdown_table import table
from tests.chaos.storm import Outcome
from tests.chaos.verdict import Judgement

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "under-fire.md"
BEGIN, END = "<!-- storms -->\n", "<!-- /storms -->"
HEAD = (
    *("store", "vendor", "seed", "faults", "contacts", "calls", "called twice", "lost", "reported wrongly"),
    *("unknown", "unconfirmed → how settled"),
)
SHOWN = tuple(HEAD.index(name) for name in ("store", "vendor", "seed"))  # what names a row
Row = tuple[str, ...]


def record(outcomes: Sequence[Outcome], seed: int, page: Path = PAGE) -> None:
    """Add these storms to the table, in place of those with the same seed and of all that are of other code."""
    before, _, rest = page.read_text().partition(BEGIN)
    section, _, after = rest.partition(END)
    code = commit_at_hand()
    kept = _rows(section) if f"commit {code}," in section else []
    added = [_row(outcome, vendor, one, seed) for outcome in outcomes for vendor, one in outcome.judged.items()]
    rows = {tuple(row[place] for place in SHOWN): row for row in (*kept, *added)}
    page.write_text(f"{before}{BEGIN}{_section(list(rows.values()), code)}{END}{after}")


def counted(counts: Mapping[str, int]) -> str:
    """The counts in words, the largest first."""
    return ", ".join(f"{count} {name}" for name, count in Counter(counts).most_common() if count)


def _section(rows: Sequence[Row], code: str) -> str:
    faults = {(row[0], row[2]): _figure(row, "faults") for row in rows}
    sums = {name: sum(_figure(row, name) for row in rows) for name in HEAD[4:9]}
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {code}, {os.cpu_count()} cores: {sum(faults.values()):,} faults, "
        f"{sums['contacts']:,} contacts, {sums['called twice']} called twice, {sums['lost']} lost, "
        f"{sums['reported wrongly']} reported wrongly.\n\n{table(HEAD, rows)}\n"
    )


def _figure(row: Row, name: str) -> int:
    return int(row[HEAD.index(name)].replace(",", ""))


def _rows(section: str) -> Iterable[Row]:
    """The rows of the table that a section holds."""
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[2:]]


def _row(outcome: Outcome, vendor: str, one: Judgement, seed: int) -> Row:
    figures = (sum(outcome.faults.values()), one.contacts, one.calls, len(one.doubles), len(one.lost), len(one.wrong))
    unknown, settled = one.finals.get("unknown", 0), counted(one.doubts_ended_by)
    return (
        *(outcome.store, vendor, str(seed)),
        *(f"{figure:,}" for figure in (*figures, unknown)),
        f"{one.doubts} → {settled}" if settled else str(one.doubts),
    )


def commit_at_hand() -> str:
    """The commit at hand, with a plus where the code differs from it."""
    commit, changes = (
        subprocess.run(("git", *words), cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S607
        for words in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--", "*.py", "*.lua"))
    )
    return f"{commit}+" if changes else commit
