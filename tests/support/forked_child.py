"""A program of a stack in a process that is forked from one with the imports done."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.forking import Forked
from workers.stack.forking import ForkServer
from workers.stack.processes import Child, Program


class ServerOfTests(ForkServer):
    """The server that all tests of a run share, in the place of one for each stack: to import takes longest."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        super().__init__(env or {})

    def fork(self, argv: Sequence[str], env: Mapping[str, str], log: int) -> Any:
        """Run `PYTHON -m MODULE ARGUMENT…`."""
        with Path(os.devnull).open("rb") as stdin, open(log, "ab", closefd=False) as output:
            return Forked(argv[2:], cwd=Path.cwd(), env=env, files=(stdin, output, output))


class ForkedChild(Child):
    """A Python program of a stack, forked from a process that has the imports done; else a child as any other."""

    def __init__(self, program: Program) -> None:
        super().__init__(program, fork_server=ServerOfTests())
