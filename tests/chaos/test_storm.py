"""A short storm on each store with both vendors: every kind of fault, nobody called twice, nobody lost, nothing dies.

`CHAOS_SEED=7 make test` chooses other faults; `make chaos` is the long one.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.storm import Outcome, Plan, run
from tests.support import pgbouncer

SEED = int(os.environ.get("CHAOS_SEED", "1"))
CONTACTS, PACE = 60, 3
BEHIND_PGBOUNCER = (
    *("database gone", "database frozen", "PostgreSQL restarted", "PostgreSQL restarted at once"),
    *("PgBouncer killed", "PgBouncer frozen", "worker killed"),
)

BEHIND_SENTINEL = ("Redis failed over", "worker killed")

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]


def is_sound(outcome: Outcome) -> None:
    """Nobody twice, nobody lost, nobody reported wrongly; each kind was thrown; only what was killed has ended."""
    for vendor, judged in outcome.judged.items():
        faults = f"{vendor} on {outcome.store}, seed {SEED}: {outcome.faults}"
        assert judged.doubles == [], faults
        assert judged.lost == [], faults
        assert judged.wrong == [], faults
        assert judged.finals["reached"] > 0, f"{faults}: {judged.finals}"
    assert set(outcome.faults) == set(outcome.kinds)
    assert {name: times for name, times in outcome.died.items() if name != "redis"} == {}


@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_whatever_is_killed_cut_emptied_repeated_or_delayed_nobody_is_called_twice_and_nobody_lost(
    tmp_path: Path, store: str
) -> None:
    is_sound(
        run(Plan(store=store, contacts=CONTACTS, pace=PACE, every=0.1, seed=SEED, patience=300, most=26), tmp_path)
    )


@pgbouncer.needed
@pytest.mark.postgres
def test_nor_behind_a_pooler_whose_sessions_are_anybodys(tmp_path: Path) -> None:
    plan = Plan(store="pgbouncer", contacts=40, every=0.2, seed=SEED, patience=300, most=14, only=BEHIND_PGBOUNCER)
    is_sound(run(plan, tmp_path))


def test_nor_when_the_master_that_a_sentinel_watches_is_killed(tmp_path: Path) -> None:
    """The replica takes over without the last writes of the master, and the master comes back as its replica."""
    plan = Plan(
        store="sqlite",
        contacts=CONTACTS,
        pace=PACE,
        every=0.5,
        faults=4,
        most=8,
        seed=SEED,
        patience=300,
        only=BEHIND_SENTINEL,
        sentinel=True,
    )
    outcome = run(plan, tmp_path)
    is_sound(outcome)
    assert outcome.faults["Redis failed over"] >= 2
