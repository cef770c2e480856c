"""The bank's payment notices: whom it calls, in which order and words, as check, plan and preview say it."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from campaigns.launch.checking.checks import check, open_audience
from campaigns.launch.preview import preview
from campaigns.planning.plan import make_plan
from campaigns.planning.row_forecasts import row_forecasts
from tests.support.dialers import callgear
from tests.support.examples import EXAMPLES

EXAMPLE = EXAMPLES / "bank.yaml"
ACCOUNTS = {"main": callgear(pace=1)}
NOW = datetime(2035, 3, 12, 13, tzinfo=UTC)  # nine in New York, eight in Chicago, six in Los Angeles


def test_rows_that_are_due_are_called_the_largest_first():
    checked = check(EXAMPLE, ACCOUNTS)
    assert (checked.summary.will_dial, checked.summary.not_wanted, checked.bad_rows) == (4, 1, 0)
    assert checked.staging_file is not None
    assert [line for line, *_ in checked.staging_file.contacts()] == [4, 5, 2, 6]


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_the_plan_calls_them_in_that_order(ledger):
    plan = make_plan(open_audience(EXAMPLE, ACCOUNTS), ACCOUNTS["main"], ledger, now=NOW, rng=Random(1))
    dialed = [row for row in row_forecasts(plan) if row.fate == "dial"]
    assert [row.line for row in sorted(dialed, key=lambda row: row.at or NOW)] == [4, 6, 2, 5], "as their hours come"
    assert plan.skipped == {"left out": 1}


def test_the_preview_names_the_wording_and_counts_both_sayings():
    shown = preview(EXAMPLE, ACCOUNTS)
    assert shown.variant in {"plain", "thanks"}
    assert ("thank you" in (shown.text or "")) is (shown.variant == "thanks")
    assert shown.seconds > 1.9 * len(shown.text or "") / 14
