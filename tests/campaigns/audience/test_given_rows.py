"""Values that a program hands over are what a person would have written into a cell."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from campaigns.audience.given_rows import cell_text


@pytest.mark.parametrize(
    ("handed_over", "cell"),
    [
        ("100.0", "100"),
        ("1e2", "100"),
        ("1e16", "10000000000000000"),
        ("12.5", "12.5"),
        ("1e-7", "0.0000001"),
        ("14155550101.0", "14155550101"),
        ("100", "100"),
        ("true", "true"),
        ("null", ""),
        ("NaN", "nan"),  # which is no value
        ("1e400", None),  # infinity
        ("-Infinity", None),
        ("5e-324", None),
        ("1e300", None),
        ('"1e2"', "1e2"),  # a text is what it is
        (r'"a\u0000"', None),
        ("[1]", None),
    ],
)
def test_a_value_of_json_is_the_text_that_a_person_would_write(handed_over, cell):
    assert cell_text(json.loads(handed_over)) == cell


@pytest.mark.parametrize(
    ("number", "cell"),
    [("12.50", "12.50"), ("1E+3", "1000"), ("Infinity", None), ("sNaN", "nan"), ("1E+1000000", None)],
)
def test_so_is_a_decimal_with_the_places_that_it_has(number, cell):
    assert cell_text(Decimal(number)) == cell
