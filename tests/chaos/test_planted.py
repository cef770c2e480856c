"""The judging itself is tested: workers with a bug put into them on purpose are found out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.storm import Plan, run
from workers.stack.programs import Modules

AGAIN = ("tasks delivered again",)
CUT = ("requests cut or late",)
STORMS = (1, 2, 3)  # their seeds


@pytest.mark.stack
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("bug", "faults", "patience"),
    [("no_compare_and_set", AGAIN, 12), ("retry_on_time_out", CUT, 25)],
    ids=["no_compare_and_set", "retry_on_time_out"],
)
def test_a_worker_that_calls_twice_is_found_out(tmp_path, bug, faults, patience):
    modules = Modules(celery=f"tests.chaos.planted.{bug}")
    plan = Plan(
        store="sqlite", contacts=60, faults=6, every=0.1, seed=1, only=faults, modules=modules, patience=patience
    )
    # a fault may miss what it was thrown at, so the bug need not show in the first storm
    assert any(_called_twice(replace(plan, seed=seed), tmp_path / str(seed)) for seed in STORMS), (
        "the judging did not see that people were called twice"
    )


def _called_twice(plan: Plan, folder: Path) -> bool:
    folder.mkdir()
    return any(one.doubles for one in run(plan, folder).judged.values())
