"""Counts are read at a glance, and an estimate claims no more than is known."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from console.cli.output import table
from console.formatting import estimate
from console.pages.rendering import TEMPLATES
from dialer.plural import counted


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (35432.4, "about 35,000"),
        (999_999, "about 1,000,000"),
        (1_249_000, "about 1,200,000"),
        (127.4, "about 130"),
        (99.6, "about 100"),
        (42.4, "about 42"),
        (2.6, "about 3"),
        (0.0, "about 0"),
    ],
)
def test_an_estimate_is_rounded_to_what_is_known(value, said):
    assert estimate(value) == said


def test_counts_have_separators_in_tables_sentences_and_pages():
    shown = table("status", ">count")
    shown.add_row("reached", 50000)
    shown.add_row("line", "50000")  # a place, and no count
    screen = io.StringIO()
    Console(file=screen, width=80).print(shown)
    assert [line.split() for line in screen.getvalue().splitlines()[1:]] == [["reached", "50,000"], ["line", "50000"]]
    assert counted(50000, "contact") == "50,000 contacts"
    assert counted(1, "contact") == "1 contact"
    assert TEMPLATES.from_string("{{ 1234567 | grouped }}").render() == "1,234,567"
