"""How much tests draw at random: `TIMES=10 make test` draws ten times as much, as `make chaos` does.

A test that draws what it asks for is marked `drawn`. Each kind of input is in what `make test` draws.
"""

from __future__ import annotations

import os

import pytest

TIMES = int(os.environ.get("TIMES", "1"))


def times(count: int) -> int:
    """How many are drawn where `make test` draws so many."""
    return count * TIMES


def in_chaos_only(test: pytest.Item) -> None:
    """Leave this test to `make chaos`: what it promises is shown in `make test` by others that cost less."""
    test.add_marker(pytest.mark.drawn)
    if TIMES == 1:
        test.add_marker(pytest.mark.skip(reason="it runs in make chaos"))
