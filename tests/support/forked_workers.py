"""The processes of pytest-xdist, forked from one that has collected the tests: each would import the same files itself.

python -m tests.support.forked_workers SOCKET OPTION-OR-PATH…   the server
python tests/support/forked_workers.py SOCKET -u -c LINE        a process, in the place of `python -u -c LINE`
"""

from __future__ import annotations

import ctypes
import gc
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.forking import Forked, begin, end_at_once, serve, take_on
from workers.stack.child import PR_SET_PDEATHSIG

COLLECT_ONLY = ("-n", "0", "--collect-only", "-q")


def python(arguments: Sequence[str]) -> str:
    """What to start in the place of Python, for processes of a run with these arguments."""
    return shlex.join([sys.executable, __file__, begin(__name__, *arguments)])


def live_on_without_parent() -> None:
    """Take back what a forked process asks of the kernel."""
    if prctl := getattr(ctypes.CDLL(None), "prctl", None):
        prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0)


def main(path: str, *arguments: str) -> None:
    """Serve, or be a process of a server."""
    if arguments[:1] == ("-u",):
        files = (sys.stdin.buffer, sys.stdout.buffer, sys.stderr.buffer)
        process = Forked(arguments, cwd=Path.cwd(), env=os.environ, files=files, socket_of_server=path)
        sys.exit(process.wait())
    import pytest

    from tests.support import ledger_copies

    pytest.main([*arguments, *COLLECT_ONLY])
    if "fast" not in arguments:
        ledger_copies.new_ledger()
    gc.disable()
    gc.freeze()
    request = serve(path)
    take_on(request)
    live_on_without_parent()  # it ends what its tests have started, as soon as nobody gives it any
    exec(request["arguments"][-1], {"__name__": "__main__"})  # noqa: S102  as execnet asks of Python
    end_at_once(SystemExit(0))


if __name__ == "__main__":
    main(*sys.argv[1:])
