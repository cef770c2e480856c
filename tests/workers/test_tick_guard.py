"""One tick at a time in each process, and none that is stuck holds the others for ever."""

from __future__ import annotations

from workers.tick_guard import STUCK_SECONDS, TickGuard


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_tick_that_comes_while_another_is_under_way_is_left_out():
    ticks = TickGuard(Clock(), processor=lambda: 0.0)
    with ticks.acquire() as first, ticks.acquire() as second:
        assert (first, second) == (True, False)
    with ticks.acquire() as third:
        assert third


def test_a_tick_that_is_stuck_holds_the_next_ones_only_for_a_while():
    clock = Clock()
    ticks = TickGuard(clock, processor=lambda: 0.0)
    with ticks.acquire() as stuck:
        assert stuck
        clock.now += STUCK_SECONDS
        with ticks.acquire() as fresh:
            assert fresh
            with ticks.acquire() as another:
                assert not another
    with ticks.acquire() as after:
        assert after


def test_a_tick_that_takes_much_of_the_processor_leaves_time_for_what_it_released():
    clock = Clock()
    ticks = TickGuard(clock, processor=clock)
    with ticks.acquire():
        clock.now += 1.4
    answers = []
    for _ in range(4):
        clock.now += 0.25
        with ticks.acquire() as mine:
            answers.append(mine)
    assert answers == [False, False, True, True], "half as long again, and the short one after it needs no rest"


def test_a_tick_that_only_waited_is_followed_at_once():
    clock = Clock()
    ticks = TickGuard(clock, processor=lambda: 7.0)
    with ticks.acquire():
        clock.now += 1.4
    with ticks.acquire() as mine:
        assert mine


def test_no_rest_is_so_long_that_the_dialing_stops():
    clock = Clock()
    ticks = TickGuard(clock, processor=clock)
    with ticks.acquire():
        clock.now += STUCK_SECONDS - 1
    clock.now += 2.1
    with ticks.acquire() as mine:
        assert mine


def test_a_tick_that_fails_leaves_the_way_free():
    ticks = TickGuard(Clock(), processor=lambda: 0.0)
    try:
        with ticks.acquire():
            raise ValueError
    except ValueError:
        pass
    with ticks.acquire() as next_one:
        assert next_one
