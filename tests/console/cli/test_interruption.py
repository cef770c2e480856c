"""Ctrl-C is heeded also when Python drops the exception it raised, as it does in a destructor."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from console.cli import interruption


@pytest.fixture
def heeded() -> Iterator[None]:
    before = [(one, signal.getsignal(one)) for one in (signal.SIGINT, signal.SIGTERM)]
    interruption.install_handlers()
    yield
    for one, handler in before:
        signal.signal(one, handler)
    interruption.acknowledge()


class Swallows:
    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("heeded")
def test_an_interruption_that_was_dropped_ends_the_next_sleep_once():
    one = Swallows()
    del one
    with pytest.raises(KeyboardInterrupt):
        interruption.sleep(0.01)
    interruption.acknowledge()
    interruption.sleep(0.01)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_both_signals_interrupt_what_runs(which):
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), which)
    interruption.acknowledge()
