"""Ctrl-C is heeded also when Python drops the exception it raised, as it does in a destructor."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from console.cli import interruption
from tests.support import preloaded
from tests.support.patience import PATIENCE

ENDS_WHEN_TOLD = """
from console.cli import interruption
stopping = interruption.told_to_stop()
print("begun", flush=True)
while not stopping(0):
    pass
"""
ENDS_WHEN_INTERRUPTED = """
from console.cli import interruption
interruption.install_handlers()
try:
    print("begun", flush=True)
    while True:
        interruption.acknowledge()
except KeyboardInterrupt:
    pass
"""


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


@pytest.mark.parametrize("which", interruption.SIGNALS)
def test_who_waits_to_be_told_to_stop_is_told_at_once_and_ever_after(which, heeded):
    stopping = interruption.told_to_stop()
    assert not stopping(0)
    os.kill(os.getpid(), which)
    begun = time.monotonic()
    assert stopping(PATIENCE)
    assert stopping(PATIENCE)
    assert time.monotonic() - begun < PATIENCE


@pytest.mark.parametrize("program", [ENDS_WHEN_TOLD, ENDS_WHEN_INTERRUPTED])
def test_a_signal_ends_a_program_whatever_it_is_just_doing(program):
    for _ in range(20):
        with preloaded.begun(preloaded.TEXT, program) as (process, written):
            assert written.readline() == "begun\n"
            process.terminate()
            assert process.wait(PATIENCE) == 0
