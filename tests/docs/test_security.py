"""Every promise and every attack that a page names is shown by a test that exists."""

from __future__ import annotations

import re

import pytest

from tests.docs.test_docs import ROOT

NAMED = re.compile(r"`(test_\w+)`")


def table_rows(page: str, heading: str) -> list[str]:
    """The lines of the table below a heading."""
    section = (ROOT / "docs" / page).read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("|")][2:]


@pytest.fixture(scope="module")
def tests() -> set[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text("utf-8"), re.M)}


@pytest.mark.parametrize(
    ("page", "heading"), [("security.md", "Promised"), ("under-fire.md", "Attacks, and their bounds")]
)
def test_each_line_names_tests_that_exist(tests, page, heading):
    rows = table_rows(page, heading)
    assert len(rows) > 10
    for row in rows:
        named = NAMED.findall(row)
        assert named, row
        assert set(named) <= tests, row
