"""One stack per data folder: a file lock, released when the process that holds it ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from dialer.errors import DialerError

FILE = "stack.lock"
WAIT_SECONDS = 0.5  # `is_locked` in another process holds the lock for an instant


class StackIsUp(DialerError):
    """Another process runs a stack on this data folder; `pid` is that process, when it is known."""

    def __init__(self, data_dir: Path, pid: int | None) -> None:
        stop = f"`kill {pid}`" if pid else "stop that process"
        super().__init__(
            f"a stack is already running on {data_dir}" + (f" (process {pid})" if pid else ""),
            f"use it as it is, stop it with Ctrl-C where it runs or with {stop}, or choose another DIALER_DATA_DIR",
        )
        self.pid = pid


class StackLock:
    """The exclusive right to run a stack on one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._file: int | None = None

    def take(self) -> None:
        """Take the lock. Raises StackIsUp when another process holds it."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        file = os.open(self._data_dir / FILE, os.O_RDWR | os.O_CREAT, 0o600)
        limit = time.monotonic() + WAIT_SECONDS
        while not _try_lock(file, fcntl.LOCK_EX):
            if time.monotonic() > limit:
                pid = _pid_in(file)
                os.close(file)
                raise StackIsUp(self._data_dir, pid)
            time.sleep(WAIT_SECONDS / 10)
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        self._file = file

    def release(self) -> None:
        """Release the lock. The file stays: if it were removed, two processes could each lock a file of that name."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def is_locked(data_dir: Path) -> bool:
    """Whether a process runs a stack on this data folder, or is starting or stopping one."""
    try:
        file = os.open(data_dir / FILE, os.O_RDWR)
    except OSError:  # no file, or one that no stack of ours could have written
        return False
    try:
        return not _try_lock(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def _try_lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_in(file: int) -> int | None:
    content = os.pread(file, 20, 0).strip()
    return int(content) if content.isdigit() else None
