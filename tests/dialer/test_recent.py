"""What was read a moment ago is good for a moment, and is read again by one of those who ask."""

from __future__ import annotations

from dialer.recent import Recent


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_value_is_good_for_its_seconds_and_a_little_longer_while_it_is_read_again():
    clock = Clock()
    recent = Recent[str, int](1.0, most=10, clock=clock)
    assert recent.get("a") is None
    recent.keep("a", 7, recent.now())
    clock.now = 1.0
    assert recent.get("a") == 7
    clock.now = 1.1
    assert [recent.get("a") for _ in range(3)] == [None, 7, 7], "one of them reads it again"
    clock.now = 1.3
    assert recent.get("a") is None, "it was not read again in time"
    recent.keep("a", 8, clock.now - 0.1)
    assert recent.get("a") == 8


def test_so_many_are_kept_and_all_can_be_forgotten():
    recent = Recent[int, int](1.0, most=2, clock=Clock())
    for number in range(3):
        recent.keep(number, number, 0.0)
    assert [recent.get(number) for number in range(3)] == [None, 1, 2]
    recent.forget()
    assert recent.get(2) is None
