"""What looks blank or means "no value" is blank; a person's name never is."""

from __future__ import annotations

import unicodedata

import pytest

from campaigns.definition.blanks import NO_VALUE, is_blank, trimmed_cells, without_blanks
from campaigns.definition.templates import MissingVariable, Template

BLANK = [
    *("", " ", "\t", "\u00a0", "\u3000"),
    *("\u200b", "\u00ad", "\ufeff", "\u2060", "\u200e\u200f", "\u202a\u202c", " \u200b ", "\u034f", "\ufe0f"),
    *("\u3164", "\u2800", "\uffa0"),  # fillers: letters and a symbol by category, and nothing to see
    *("nan", "NaN", "NaT", "None", "<NA>", "NULL", "null", "(null)", r"\N", "N/A", "n/a", "#N/A", "NA", " nan "),
    *("#NV", "#N/D", "#Н/Д", "#N/B"),  # #N/A in German, Italian, Russian, Dutch
    *("undefined", "[object Object]", "Invalid Date", "Loading...", "Loading…", "#GETTING_DATA"),
    *("-", "--", "\u2013", "\u2014"),
]
VALUES = ["Null", "Nan", "Nann", "Na", "none", "nil", "Loading", "Invalid", "Nona"]
VALUES += ["0", "-1", "#1", "?", "\u200bAmelia", "Ж", "👍", "ㅎ", "А-Б"]


@pytest.mark.parametrize("text", BLANK, ids=ascii)
def test_what_looks_blank_or_means_no_value_is_never_spoken(text):
    assert is_blank(text)
    with pytest.raises(MissingVariable):
        Template("Hello {{ name }}.").render({"name": text})
    assert Template("Hello {{ name | default('there') }}.").render({"name": text}) == "Hello there."


@pytest.mark.parametrize("text", VALUES, ids=ascii)
def test_a_name_is_a_name(text):
    assert not is_blank(text)
    assert Template("{{ name }}").render({"name": text}) == text


@pytest.mark.slow
def test_no_format_character_of_unicode_is_a_value():
    characters = map(chr, range(0x110000))
    assert [c for c in characters if unicodedata.category(c) == "Cf" and not is_blank(f"{c}{c}")] == []


@pytest.mark.parametrize("cells", [["a ", "nan"], ["\u200b", "Ж"], ["-", ""], ["plain", " cells "], sorted(NO_VALUE)])
def test_a_row_is_read_as_its_cells_are(cells):
    assert trimmed_cells(cells) == [without_blanks(cell) for cell in cells]
