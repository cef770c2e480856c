"""Turns an OSError at writing temporary files into an error that names their folder and its free space."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dialer.errors import DialerError

REMEDY = "make room there, or name a folder that has it, for workers too: export TMPDIR=/path/to/folder"


class NoTempSpace(DialerError):
    """The folder for temporary files is missing, cannot be written, or is full."""


@contextmanager
def temp_space(what: str, needed: int | None = None) -> Iterator[None]:
    """Raise NoTempSpace instead of an OSError in the block. `what` is stored there; it needs about `needed` bytes."""
    try:
        yield
    except OSError as exc:
        raise _no_temp_space(what, needed, exc) from None


def _no_temp_space(what: str, needed: int | None, exc: OSError) -> NoTempSpace:
    folder = _folder()
    if folder is None:
        reason = "TMPDIR names no folder that can be written, and neither can /tmp or the current one"
        return NoTempSpace(f"{what} cannot be kept for a while: {reason}", REMEDY)
    room = [f"{_size(free)} free"] if (free := _free(folder)) is not None else []
    room += [f"about {_size(needed)} needed in all"] if needed else []
    message = f"{what} cannot be kept in {folder}, the folder for temporary files: {exc.strerror or exc}"
    return NoTempSpace(f"{message} ({', '.join(room)})" if room else message, REMEDY)


def _folder() -> Path | None:
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return None


def _free(folder: Path) -> int | None:
    """Free bytes for a user without special rights; None when they cannot be found out."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
