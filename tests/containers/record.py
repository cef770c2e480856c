"""The table of docs/deploy.md, written by the program: `make containers ARGS="--record"`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from scripts.markdown_table import table
from tests.chaos.record import commit_at_hand
from tests.containers.engine import ROOT

PAGE = ROOT / "docs" / "deploy.md"
BEGIN, END = "<!-- drill -->\n", "<!-- /drill -->"
HEAD = ("step", "what is asked", "seconds", "verdict")


def record(steps: Sequence[Mapping[str, object]], previous: str, page: Path = PAGE) -> None:
    """Replace the table by that of these steps."""
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    seconds = sum(int(str(step["seconds"])) for step in steps)
    line = (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit_at_hand()} after {previous}, {os.cpu_count()} cores: "
        f"{len(steps)} steps, {seconds} s once the images were there.\n\n"
    )
    rows = [(str(step["step"]), str(step["asked"]), str(step["seconds"]), str(step["verdict"])) for step in steps]
    page.write_text(f"{before}{BEGIN}{line}{table(HEAD, rows)}\n{END}{after}")
