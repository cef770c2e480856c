"""A short storm on each store with both vendors: every kind of fault, nobody called twice, nobody lost.

`CHAOS_SEED=7 make test` chooses other faults; `make chaos` is the long one.
"""

from __future__ import annotations

import os

import pytest

from tests.chaos.storm import Plan, run

SEED = int(os.environ.get("CHAOS_SEED", "1"))


@pytest.mark.stack
@pytest.mark.timeout(600)
@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_whatever_is_killed_cut_emptied_repeated_or_delayed_nobody_is_called_twice_and_nobody_lost(tmp_path, store):
    outcome = run(Plan(store=store, contacts=60, faults=13, every=0.2, seed=SEED, patience=300), tmp_path)
    for vendor, judged in outcome.judged.items():
        told = f"{vendor} on {store}, seed {SEED}: {outcome.faults}"
        assert judged.doubles == [], told
        assert judged.lost == [], told
        assert judged.wrong == [], told
        assert judged.finals["reached"] > 20, f"{told}: {judged.finals}"
    assert len(outcome.faults) == 13, "each kind of fault was thrown"
