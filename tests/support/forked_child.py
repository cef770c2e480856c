"""A program of a stack in a process that is forked from one with the imports done."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from tests.support.forking import Forked
from workers.stack.processes import Child


class ForkedChild(Child):
    """A Python program of a stack, forked from a process that has the imports done; else a child as any other.

    To import takes longer than most of them live.
    """

    def _fork(self) -> Any:
        python, *arguments = self.program.argv
        if python != sys.executable:
            return super()._fork()
        assert arguments.pop(0) == "-m"
        self.program.log.parent.mkdir(exist_ok=True)
        with Path(os.devnull).open("rb") as stdin, self.program.log.open("ab") as log:
            return Forked(arguments, cwd=Path.cwd(), env=self.program.env, files=(stdin, log, log))
