"""The processes of pytest-xdist, forked from one that has collected the tests: each would import the same files itself.

    python -m tests.support.forked_workers SOCKET OPTION-OR-PATH…

An argument is what pytest was given. A request is for `python -u -c LINE`, as `forked_bin/worker` sends it.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import sys

import pytest

from tests.support import ledger_copies, postgres
from tests.support.forking import serve, take_on
from workers.stack.child import PR_SET_PDEATHSIG

COLLECT_ONLY = ("-n", "0", "--collect-only", "-q")


class Collected:
    """Whether tests that were collected need both stores."""

    both_stores = False

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.both_stores = any(item.get_closest_marker("postgres") for item in session.items)


def main(path: str, *arguments: str) -> None:
    pytest.main([*arguments, *COLLECT_ONLY], plugins=[collected := Collected()])
    if collected.both_stores:
        ledger_copies.new_ledger()
        postgres.initialize()
    gc.disable()  # until the forked process has collected, too
    gc.freeze()
    request = serve(path)
    take_on(request)
    _live_on_without_parent()  # it ends what its tests have started, as soon as nobody gives it any
    exec(request["arguments"][-1], {"__name__": "__main__"})  # noqa: S102  as execnet asks of Python
    atexit._run_exitfuncs()
    os._exit(0)  # whatever thread a test has left: nobody could kill this process for it


def _live_on_without_parent() -> None:
    """Take back what a forked process asks of the kernel."""
    if prctl := getattr(ctypes.CDLL(None), "prctl", None):
        prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
