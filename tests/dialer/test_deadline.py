from datetime import UTC, datetime, timedelta

import pytest

from dialer.deadline import Deadline, steady_seconds, utc_now

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Clocks:
    """Two clocks that are set by hand."""

    def __init__(self) -> None:
        self.wall, self.steady = NOON, 1000.0

    def deadline(self, seconds: float) -> Deadline:
        at = self.wall + timedelta(seconds=seconds)
        return Deadline(at, wall=lambda: self.wall, steady=lambda: self.steady)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_a_deadline_has_not_passed_before_its_moment(clocks):
    deadline = clocks.deadline(5)
    clocks.wall += timedelta(seconds=4.9)
    clocks.steady += 4.9
    assert not deadline.passed()
    assert deadline.seconds_left() == pytest.approx(0.1)


def test_a_deadline_has_passed_at_its_very_moment(clocks):
    deadline = clocks.deadline(5)
    clocks.wall += timedelta(seconds=5)
    assert deadline.passed()


def test_a_wall_clock_set_back_does_not_prolong_a_deadline(clocks):
    deadline = clocks.deadline(5)
    clocks.wall -= timedelta(hours=1)
    clocks.steady += 5
    assert deadline.passed()
    assert deadline.seconds_left() == 0


def test_a_steady_clock_that_slept_through_a_suspend_does_not_prolong_a_deadline(clocks):
    deadline = clocks.deadline(5)
    clocks.wall += timedelta(seconds=6)
    assert deadline.passed()


def test_a_deadline_in_the_past_has_passed_from_the_start(clocks):
    assert clocks.deadline(-1).passed()


def test_a_deadline_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="aware"):
        Deadline(datetime(2026, 3, 2, 12))  # noqa: DTZ001


def test_the_clocks_of_this_machine_move_forward_and_are_aware():
    before = steady_seconds()
    assert utc_now().utcoffset() == timedelta(0)
    assert steady_seconds() >= before
    assert not Deadline(utc_now() + timedelta(minutes=5)).passed()
