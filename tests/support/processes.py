"""Processes: their families, what they take of memory and processor, some that are frozen or burn the cores."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all that come from it, eldest first."""
    children: list[int] = []
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (thread / "children").read_text().split())
    return [pid, *(one for child in children for one in family(child))]


def memory(pid: int, *, peak: bool = False) -> int:
    """The bytes that a process holds in memory, or held at its peak; 0 when it is gone."""
    name = "VmHWM" if peak else "VmRSS"
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith(name)).split()[1])
    return 0


def own_memory(pid: int) -> int:
    """The bytes of a process, those that it shares divided by the processes that share them (Linux)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(1024 * int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))


def processor_seconds(*pids: int, with_ended: bool = False) -> float:
    """What these processes have taken of the processor, or with those that they outlived; 0 for one that is gone."""
    return sum(_processor_seconds(pid, with_ended) for pid in pids)


def _processor_seconds(pid: int, with_ended: bool) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15] if with_ended else fields[11:13])) / TICKS_PER_SECOND
    return 0.0


@contextmanager
def frozen(pids: Collection[int]) -> Iterator[None]:
    """These processes do nothing, and do not know it, for as long as the block runs."""
    _tell(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _tell(pids, signal.SIGCONT)


def _tell(pids: Collection[int], what: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, what)


@contextmanager
def burning_cores() -> Iterator[None]:
    """Every core is burnt by a process for as long as the block runs."""
    burn = [sys.executable, "-I", "-S", "-c", "while True: pass"]
    burners = [subprocess.Popen(burn) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
