"""A batch is as large as what the last ones took allows, and others write in between."""

from __future__ import annotations

import pytest

from campaigns.ledger.lists.batches import FIRST, HELD_SECONDS, LARGEST, LONGEST_REST, REST, SMALLEST, Batches


class Steady:
    """A clock on which a batch takes as long as its rows cost, and what was rested."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rests: list[float] = []

    def write(self, batches, ledger, rows, *, each, always=0.0):
        def act(_db):
            self.now += always + rows * each

        batches.write(ledger, act, rows=rows)


@pytest.fixture
def steady():
    return Steady()


@pytest.fixture
def batches(steady):
    return Batches(clock=lambda: steady.now, rest=steady.rests.append)


@pytest.mark.parametrize(
    ("each", "always", "fits"),
    [
        (0.001, 0.0, 30),
        (0.0001, 0.02, 100),  # a slow disk, whatever is written
        (0.00001, 0.0, LARGEST),
        (0.1, 0.0, SMALLEST),
        (0.0, 0.5, SMALLEST),  # a machine that does other things
    ],
)
def test_batches_grow_and_shrink_to_what_may_be_held(ledger, steady, batches, each, always, fits):
    sizes = []
    for _ in range(60):
        steady.write(batches, ledger, batches.size, each=each, always=always)
        sizes.append(batches.size)
    assert all(fits * 0.7 <= size <= fits * 1.3 for size in sizes[-20:])
    assert all(SMALLEST <= size <= LARGEST for size in sizes)
    assert max(batches.held[-20:]) <= max(1.3 * HELD_SECONDS, always + SMALLEST * each) + 1e-9


def test_one_that_took_long_is_followed_by_few_rows_and_slowly_by_more(ledger, steady, batches):
    steady.write(batches, ledger, FIRST, each=0.015)
    assert batches.size == SMALLEST
    sizes = []
    while batches.size < FIRST:
        steady.write(batches, ledger, batches.size, each=0.0001)
        sizes.append(batches.size)
    assert len(sizes) >= 4


def test_one_of_few_rows_and_one_of_none_say_nothing_of_a_full_one(ledger, steady, batches):
    steady.write(batches, ledger, FIRST - 1, each=0.0001)
    steady.write(batches, ledger, 0, each=0.0, always=0.2)
    assert batches.size == FIRST


def test_others_write_for_longer_than_a_batch_does(ledger, steady, batches):
    for seconds in (0.01, 9.0):
        steady.write(batches, ledger, 0, each=0.0, always=seconds)
    assert steady.rests == pytest.approx([0.01 * REST, LONGEST_REST])


def test_no_batch_is_begun_when_the_time_is_over(ledger, steady):
    batches = Batches(until=1.0, size=2, clock=lambda: steady.now, rest=steady.rests.append)
    begun = 0
    for part in batches.parts(range(100)):
        begun += len(part)
        steady.write(batches, ledger, len(part), each=0.3)
    assert (0 < begun < 100, batches.over) == (True, True)
