"""Files that are written whole: into a new file beside the old one, which then takes its place."""

from __future__ import annotations

import glob
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

ABANDONED_AFTER = 3600.0  # seconds: a part that is older is of a process that was killed


@contextmanager
def part_of(file: Path) -> Iterator[Path]:
    """A new, empty file beside `file`, of mode 0600, to be renamed to it; what is not renamed in the block is removed.

    Nobody can foresee its name, and nothing that has the name is opened: a link that somebody has laid into a shared
    folder leads nowhere. Raises OSError.
    """
    _remove_abandoned_parts(file)
    part = file.with_name(f".{file.name}.{secrets.token_hex(8)}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_file(file: Path, *, encoding: str = "utf-8") -> Iterator[TextIO]:
    """A text file, readable by its owner only, that takes the place of `file` once the block ends without an error.

    Line ends are written as they are given. A device or a pipe is written to directly. Raises OSError.
    """
    if _is_special(file):
        with file.open("w", encoding=encoding, newline="") as stream:
            yield stream
        return
    with part_of(file) as part:
        with part.open("w", encoding=encoding, newline="") as stream:
            yield stream
        part.replace(file)


def parts_of(file: Path) -> list[Path]:
    """The parts of a file that are being written, or were when their process was killed."""
    return list(file.parent.glob(f".{glob.escape(file.name)}.*.part"))


def _remove_abandoned_parts(file: Path) -> None:
    for part in parts_of(file):
        with suppress(OSError):
            if part.lstat().st_mtime < time.time() - ABANDONED_AFTER:
                part.unlink()


def _is_special(file: Path) -> bool:
    try:
        mode = file.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
