"""Spans of an attempt join by its id alone, whoever tells them; nothing is done while nobody takes them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from dialer import traces
from dialer.traces import Part, Span

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)


@pytest.fixture
def told() -> Iterator[list[Span]]:
    spans: list[Span] = []
    traces.begin(spans.append)
    yield spans
    traces.begin(None)


def test_a_span_that_is_told_twice_is_one(told: list[Span]) -> None:
    attempt = uuid4()
    for _ in range(2):
        traces.tell(attempt, Part.RECEIPT, NOW, NOW, {"account": "main", "word": None}, which="7")
    traces.tell(attempt, Part.RECEIPT, NOW, NOW, {}, which="8")
    traces.tell(attempt, Part.ATTEMPT, NOW, NOW, {})
    first, again, other, root = told
    assert first == again
    assert first.attributes == {"dialer.attempt": str(attempt), "dialer.account": "main"}
    assert first.span_id != other.span_id
    assert {span.trace_id for span in told} == {attempt.int}
    assert (root.parent_id, first.parent_id) == (None, root.span_id)


def test_a_span_ends_after_it_begins_whatever_the_clocks_say(told: list[Span]) -> None:
    traces.tell(uuid4(), Part.OUTCOME, NOW + timedelta(seconds=2), NOW, {})
    assert told[0].start == told[0].end == NOW


def test_nothing_is_made_while_nobody_takes_it() -> None:
    assert not traces.is_on()
    traces.tell(uuid4(), Part.CLAIM, NOW, NOW, {})


def test_while_it_is_off_it_costs_less_than_a_hundredth_of_a_call() -> None:
    """A call costs 0.93 ms of processor at the least (docs/benchmarks.md)."""
    attempt, now, attempts = uuid4(), datetime(2026, 12, 1, tzinfo=UTC), 10_000
    began = time.process_time()
    for _ in range(attempts):
        for part in Part:
            traces.is_on()
            traces.tell(attempt, part, now, now, {})
    assert (time.process_time() - began) / attempts < 0.01 * 0.93e-3
