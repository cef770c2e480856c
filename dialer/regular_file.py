"""Files that people name are regular ones, and no longer than what they are read for."""

from __future__ import annotations

import os
import stat
from pathlib import Path

KINDS = (
    (stat.S_ISDIR, "this is a folder"),
    (stat.S_ISFIFO, "this is a named pipe, and a file is needed"),
    (stat.S_ISSOCK, "this is a socket, and a file is needed"),
    (stat.S_ISCHR, "this is a device, and a file is needed"),
    (stat.S_ISBLK, "this is a device, and a file is needed"),
)
SYSTEM_FOLDERS = ("/proc", "/sys")  # what is in them looks like a file, and may have no end


class NotRegular(OSError):
    """The path names no file that can be read to its end; `strerror` says what it names."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(0, reason, str(path))
        self.strerror: str = reason


class TooLong(NotRegular):
    """The file is longer than what it is read for."""


def check_regular(path: Path) -> None:
    """Raise NotRegular unless the path names a regular file; OSError when there is none."""
    _refuse(path, path.stat())


def read_regular(path: Path, most: int) -> bytes:
    """The content of a regular file, at most `most` bytes. Raises NotRegular, TooLong, OSError; it waits for nobody."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        _refuse(path, os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            content = stream.read(most + 1)
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise TooLong(path, f"the file has more than {most:,} bytes, and that is the most")
    return content


def _refuse(path: Path, status: os.stat_result) -> None:
    for is_kind, reason in KINDS:
        if is_kind(status.st_mode):
            raise NotRegular(path, reason)
    for folder in SYSTEM_FOLDERS:
        if Path(folder).is_dir() and Path(folder).stat().st_dev == status.st_dev:
            raise NotRegular(path, f"this is no file, but a view into the system ({folder})")
