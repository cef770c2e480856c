"""The wall clock may be set while a campaign runs; whoever asks is told every time that it may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dialer.clock import WatchedClock

HOUR = timedelta(hours=1)


class Machine:
    """A machine with a wall clock that can be set and a steady one that cannot."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 12, 1, 20, 30, tzinfo=UTC)
        self.steady = 1000.0
        self.clock = WatchedClock(wall=lambda: self.wall, steady=lambda: self.steady)

    def pass_by(self, seconds: float, wall: float | None = None) -> None:
        self.steady += seconds
        self.wall += timedelta(seconds=seconds if wall is None else wall)


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_time_that_passes_is_one_moment(machine):
    for _ in range(100):
        machine.pass_by(37)
        assert machine.clock.moments() == (machine.wall,)
    assert machine.clock() == machine.wall


def test_a_clock_that_is_slewed_is_followed(machine):
    for _ in range(1000):
        machine.pass_by(60, wall=61)
        assert machine.clock.moments() == (machine.wall,)


@pytest.mark.parametrize("jump", [HOUR, -HOUR, timedelta(days=40), timedelta(seconds=-31)])
def test_a_clock_that_was_set_leaves_two_moments_until_it_is_back(machine, jump):
    machine.pass_by(10)
    before = machine.wall
    machine.wall += jump
    for _ in range(3):
        machine.pass_by(600)
    assert machine.clock.moments() == (machine.wall, before + timedelta(minutes=30))
    machine.wall -= jump
    assert machine.clock.moments() == (machine.wall,)


def test_a_machine_that_slept_has_not_jumped(machine):
    """Its steady clock counts on while it is suspended."""
    machine.pass_by(9 * 3600)
    assert machine.clock.moments() == (machine.wall,)
