"""Tables of figures that a measurement yields, and the page that keeps them."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
HEAD = """\
# Benchmarks

Made by `make bench`: one section for each subject, each from one run. Compare the ratios; another machine has other
times.
`make bench ARGS="bucket"` measures one subject and replaces its section here; `--dry` only prints.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One table. Cells are printed as they are."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(slots=True, kw_only=True)
class Section:
    """All figures of one subject, with the machine on which they were measured."""

    subject: str
    about: str
    tables: list[Figures] = field(default_factory=list)
    seconds: float = 0.0

    def markdown(self) -> str:
        """The section as Markdown, between its marks."""
        parts = [f"<!-- {self.subject} -->", f"## {self.about}", f"{_stamp(self.seconds)}"]
        for table in self.tables:
            parts += [f"### {table.title}", *([table.note] if table.note else []), _table(table)]
        return "\n\n".join([*parts, f"<!-- end of {self.subject} -->"])


def keep(section: Section, page: Path = PAGE) -> None:
    """Write the section into the page; it replaces the same subject's earlier one."""
    text = page.read_text() if page.exists() else HEAD
    old = re.compile(rf"<!-- {section.subject} -->.*?<!-- end of {section.subject} -->", re.DOTALL)
    made = section.markdown()
    text = old.sub(lambda _: made, text) if old.search(text) else f"{text.rstrip()}\n\n{made}\n"
    page.write_text(text)


def _stamp(seconds: float) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("redis", "celery", "sqlalchemy"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}, {versions}; "
        f"the run took {seconds:.0f} s."
    )


def _table(table: Figures) -> str:
    head = "| " + " | ".join(table.columns) + " |"
    rule = "|" + "---|" * len(table.columns)
    return "\n".join([head, rule, *("| " + " | ".join(row) + " |" for row in table.rows)])
