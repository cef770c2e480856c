"""Threads with the same work do it together: each item once, and those that came meanwhile in one go."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from campaigns.ledger.together import Together
from tests.support.dialers import wait_for


def waiting(together: Together[int]) -> int:
    batch = together._waiting.get("same")
    return len(batch.items) if batch else 0


def test_what_came_while_one_was_at_work_is_done_in_one_go():
    together, done, begun, go_on = Together[int](), list[list[int]](), threading.Event(), threading.Event()

    def act(items: list[int]) -> None:
        done.append(sorted(items))
        begun.set()
        go_on.wait()

    with ThreadPoolExecutor(8) as threads:
        threads.submit(together.do, "same", [0], act)
        begun.wait()
        later = [threads.submit(together.do, "same", [number], act) for number in (1, 2, 3)]
        wait_for(lambda: waiting(together) == 3)
        other = threads.submit(together.do, "other", [9], lambda items: done.append(list(items)))
        other.result()
        go_on.set()
        for future in later:
            future.result()
    assert done == [[0], [9], [1, 2, 3]], "other work waits for none of it"


def test_whose_items_are_done_waits_for_nobody_elses():
    """Else each would wait until all that came after it are done, and a busy second would answer nobody."""
    together, turns = Together[int](), [threading.Event() for _ in range(3)]
    begun: list[list[int]] = []

    def act(items: list[int]) -> None:
        begun.append(sorted(items))
        turns[len(begun) - 1].wait()

    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(together.do, "same", [0], act)
        wait_for(lambda: len(begun) == 1)
        second = [threads.submit(together.do, "same", [number], act) for number in (1, 2, 3)]
        wait_for(lambda: waiting(together) == 3)
        turns[0].set()
        first.result()
        wait_for(lambda: len(begun) == 2)
        third = threads.submit(together.do, "same", [4], act)
        wait_for(lambda: waiting(together) == 1)
        turns[1].set()
        for future in second:
            future.result()
        assert not third.done()
        turns[2].set()
        third.result()
    assert begun == [[0], [1, 2, 3], [4]]


def test_each_item_is_done_once_before_its_thread_goes_on():
    together, done = Together[int](), list[int]()

    def work(number: int) -> None:
        together.do("same", [number], done.extend)
        assert number in done

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(500)))
    assert sorted(done) == list(range(500))


def test_one_that_fails_leaves_the_others_theirs():
    together, done = Together[int](), list[int]()

    def fail(items: object) -> None:
        raise ValueError

    with ThreadPoolExecutor(1) as threads:
        assert isinstance(threads.submit(together.do, "same", [1], fail).exception(), ValueError)
        threads.submit(together.do, "same", [2], done.extend).result()
    assert done == [2]


def test_who_comes_right_after_another_waits_for_those_that_come_now(monkeypatch):
    together, done, waits = Together[int](gather=60.0), list[list[int]](), list[float]()
    all_there = threading.Event()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        all_there.wait()

    monkeypatch.setattr("campaigns.ledger.together.sleep", sleep)
    with ThreadPoolExecutor(8) as threads:
        together.do("same", [0], lambda items: done.append(sorted(items)))
        later = [threads.submit(together.do, "same", [n], lambda items: done.append(sorted(items))) for n in (1, 2, 3)]
        wait_for(lambda: waiting(together) == 3)
        all_there.set()
        for one in later:
            one.result()
    assert done == [[0], [1, 2, 3]]
    assert len(waits) == 1, "one waits for all"
    assert 0 < waits[0] <= 60
